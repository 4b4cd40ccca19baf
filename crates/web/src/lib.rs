//! Shows and accepts: the JSON API, the doors in, the pages and the status page.
