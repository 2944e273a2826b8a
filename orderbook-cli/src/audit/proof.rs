//! A proof that one event is in an anchored log, checkable by a stranger.
