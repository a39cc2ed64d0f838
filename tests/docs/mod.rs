//! The documentation as its readers have it: links lead somewhere, commands print what the page says, pictures are of the specs beside them.

mod commands;
mod gallery;
mod guide;
mod links;
mod page;
mod site;
