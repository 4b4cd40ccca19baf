//! What we tell whom and when: updates, audiences, the status page.
