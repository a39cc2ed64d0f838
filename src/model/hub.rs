//! The hub's cache and, where there is a network, downloads into it.
