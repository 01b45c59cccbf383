//! PTB-XL (Wagner et al., doi 10.1038/s41597-020-0495-6) in its published layout.

mod database;
mod scp_codes;
mod statements;

use statements::Statements;

pub(crate) use database::{DATABASE, open};
