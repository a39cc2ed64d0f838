//! The house: its floors, what each room may know of others, and the page that shows it.

mod circles;
mod families;
mod floors;
mod groups;
mod kinds;
mod names;
mod page;
mod shown;
mod sources;
