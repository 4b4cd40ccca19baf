//! A world for tests: a virtual clock, chosen chance, a journal in memory, and faults on demand.
