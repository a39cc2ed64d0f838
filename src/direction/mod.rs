//! Directions and subspaces of activations, as values that a step finds and that edits of later steps write.
//!
//! A [`Subspace`] is what was found at one place: a hook, whole or one unit of it, at positions of one name. [`Directions`] are
//! all that a step found in one model's prompts of one template, and the file that they are kept in. How they are found, from [`Points`]:
//! [`principal_components`], [`Helix`], means, [`orthonormal`] rows; and how well they tell classes apart: [`auc()`], [`nearest`].

mod basis;
mod file;
mod helix;
mod points;
mod separation;
mod subspace;

pub use basis::{
    PrincipalComponents, dot, length, minus, orthonormal, principal_components, principal_components_of,
    random as random_basis, scaled, signed,
};
pub use file::DirectionFault;
pub use helix::{Helix, Wave, spectrum};
pub use points::{Points, Variance};
pub use separation::{ControlDraws, auc, nearest};
pub use subspace::{Directions, Subspace};
