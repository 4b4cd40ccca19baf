//! Groups, mutes and routes signals; decides who is on call and whom to page next.
