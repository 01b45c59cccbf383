//! Tests that enter through the front door.
