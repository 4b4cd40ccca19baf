//! What is masked and what is not. Secrets here are made up, or parts put together so that no scanner takes them for real.
