//! Finding passages of knowledge that answer a question.

mod terms;

pub(crate) use terms::terms;
