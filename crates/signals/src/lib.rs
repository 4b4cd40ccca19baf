//! Turns samples, checks and heartbeats into signals by rules.
