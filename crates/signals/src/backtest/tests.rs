//! Replays: what they count, and that they are what live evaluation would have been.
