//! Who calls the API: a program by its token, or, where it comes from this machine and the server trusts that, the program
//! `local`.

pub(super) use crate::doors::caller::Program as Caller;
