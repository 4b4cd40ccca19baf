//! Recent samples, embedded: the window that rules look at.
