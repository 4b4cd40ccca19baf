//! The life of an incident: intake, classify, declare, command, mitigate, resolve, reopen.
