//! Everything that can end a run, and the exit code it ends with.

use crate::counted::{agreeing, counted};
use crate::spec::{ErrorStyle, SpecErrors};
use crate::system::interrupt::{self, Interrupted};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec is refused; all that is wrong with it.
    #[error(transparent)]
    Spec(#[from] crate::spec::SpecErrors),
    /// A spec that is not about the model at hand: it needs what the model has not.
    #[error(transparent)]
    Unsuited(crate::spec::SpecErrors),
    /// Input other than the spec is refused: a model, its tokenizer, prompts.
    #[error("{subject}: {source}")]
    Refused {
        /// What it concerns: a step, a model, a file.
        subject: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The work began and failed.
    #[error("{subject}: {source}")]
    Failed {
        /// What it concerns: a step, a table, a figure, a file.
        subject: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A model whose own run is not finite: no number that is computed with it says anything.
    #[error(transparent)]
    NotFinite(#[from] crate::model::NotFinite),
    /// A figure that its rows do not allow to draw, or that cannot be written.
    #[error(transparent)]
    Figure(#[from] crate::figure::FigureError),
    /// Rows that cannot be put together: a fault of the program.
    #[error("rows: {0}")]
    Rows(#[from] polars::error::PolarsError),
    /// A replay that does not agree with the run from scratch: no number of that step is to be trusted.
    #[error("self-check failed: {0}")]
    SelfCheck(crate::manifest::SelfCheck),
    /// No prompt of one shape has a counterfactual; those of the other shapes of its template may have one.
    #[error("{refused}")]
    NonePaired {
        /// Why the first has none.
        first: String,
        /// Of prompts that a file pairs, how many have none for which reason.
        dropped: Vec<crate::prompt::Dropped>,
        /// What it is where no other prompt has one either.
        refused: Box<Error>,
    },
    /// Results that are not as expected of the model at hand.
    #[error(
        "{} of {} {} not met: {}; see 'Expected' in report.md",
        .names.len(), counted(*.of, "expectation"), agreeing(.names.len(), "is", "are"), quoted(names)
    )]
    Differ {
        /// Those that differ.
        names: Vec<String>,
        /// How many there are.
        of: usize,
    },
    /// Results that a second run does not make again.
    #[error("{}", not_verified(*.differ, *.refused, *.of))]
    Unverified {
        /// Results that differ.
        differ: usize,
        /// Specs that could not be run.
        refused: usize,
        /// How many there are.
        of: usize,
    },
    /// Two things that were compared are not the same.
    #[error("{0}")]
    Unequal(String),
    /// Parts of a spec failed; the rest was made.
    #[error("{}", .failed.iter().map(|unmet| unmet.error.to_string()).collect::<Vec<_>>().join("; "))]
    Parts {
        /// Those that failed, with why.
        failed: Vec<FailedPart>,
        /// Whether there are rows of any step.
        made: bool,
    },
    /// A filter of specs that cannot be read.
    #[error(transparent)]
    Filter(Box<crate::spec::FilterError>),
    /// Several specs are refused; none was run.
    #[error("{} {} refused", counted(.0.len(), "spec"), agreeing(.0.len(), "is", "are"))]
    Refusals(Vec<Error>),
    /// Some of several specs failed; all were run.
    #[error("{} of {} failed: {}", .failed.len(), counted(*.of, "spec"), names(.failed))]
    Failures {
        /// The specs by the path of their file, with what went wrong.
        failed: Vec<(String, Error)>,
        /// How many were run.
        of: usize,
    },
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// Standard output does not take what is printed.
    #[error("standard output: {0}")]
    Print(std::io::Error),
}

impl Error {
    /// All that is right, or all that is wrong: what is wrong with the spec as one, and anything else before it.
    ///
    /// # Errors
    /// Those of the results.
    pub fn each<T>(results: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(one) => right.push(one),
                Err(Error::Spec(errors)) => wrong.push(errors),
                Err(error) => return Err(error),
            }
        }
        if wrong.is_empty() { Ok(right) } else { Err(SpecErrors::join(wrong).into()) }
    }

    /// Two of them, or all that is wrong with either.
    ///
    /// # Errors
    /// Those of the results.
    pub fn both<A, B>(one: Result<A, Error>, other: Result<B, Error>) -> Result<(A, B), Error> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(Error::Spec(one)), Err(Error::Spec(other))) => Err(SpecErrors::join([one, other]).into()),
            (_, Err(error)) | (Err(error), _) => Err(error),
        }
    }

    /// Input that is refused, for `map_err`.
    pub fn refused<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        subject: impl ToString,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Refused { subject: subject.to_string(), source: source.into() }
    }

    /// Work that failed, for `map_err`.
    pub fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(subject: impl ToString) -> impl FnOnce(E) -> Self {
        move |source| {
            let source = source.into();
            match source.downcast::<Interrupted>() {
                Ok(interrupted) => Self::Interrupted(*interrupted),
                Err(source) => Self::Failed { subject: subject.to_string(), source },
            }
        }
    }

    /// The text for standard error: a spec's errors with the lines they are about, else one line.
    pub fn render(&self, terminal: bool) -> String {
        match self {
            Error::Spec(errors) | Error::Unsuited(errors) => {
                errors.render(if terminal { ErrorStyle::Terminal } else { ErrorStyle::Plain })
            }
            Error::Refusals(refused) => {
                // As one, so that what is wrong with a file that several extend is said once.
                let specs = SpecErrors::join(refused.iter().filter_map(|error| match error {
                    Error::Spec(errors) => Some(errors.clone()),
                    _ => None,
                }));
                let rest = refused.iter().filter(|error| !matches!(error, Error::Spec(_)));
                let specs = (!specs.is_empty()).then(|| Error::Spec(specs).render(terminal));
                specs.into_iter().chain(rest.map(|error| error.render(terminal))).collect::<Vec<_>>().join("\n")
            }
            Error::Parts { failed, .. } => {
                let each = failed.iter().map(|FailedPart { error, skipped, what }| {
                    let skipped = match skipped.as_slice() {
                        [] => String::new(),
                        skipped => format!("\nskipped because {what} failed: {}", skipped.join(", ")),
                    };
                    format!("{}{skipped}", error.render(terminal).trim_end())
                });
                each.collect::<Vec<_>>().join("\n\n")
            }
            Error::Failures { failed, of } => {
                let each = failed.iter().map(|(name, error)| format!("{name}:\n{}", error.render(terminal).trim_end()));
                format!(
                    "{}\n{} of {} failed",
                    each.collect::<Vec<_>>().join("\n\n"),
                    failed.len(),
                    counted(*of, "spec")
                )
            }
            Error::NonePaired { refused, .. } => refused.render(terminal),
            other => format!("error: {other}"),
        }
    }

    /// 1 ran but failed, 2 refused input, 130 or 143 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Spec(_) | Error::Unsuited(_) | Error::Refused { .. } | Error::Refusals(_) | Error::Filter(_) => 2,
            Error::Failed { .. }
            | Error::NotFinite(_)
            | Error::Figure(_)
            | Error::Rows(_)
            | Error::Print(_)
            | Error::SelfCheck(_) => 1,
            Error::NonePaired { refused, .. } => refused.exit_code(),
            Error::Differ { .. } => 1,
            Error::Failures { .. } | Error::Unequal(_) => 1,
            Error::Unverified { differ: 0, .. } => 2,
            Error::Unverified { .. } => 1,
            // Nothing was to be had of this spec: what was refused is refused.
            Error::Parts { failed, made: false } => {
                failed.iter().map(|unmet| unmet.error.exit_code()).min().unwrap_or(1)
            }
            Error::Parts { .. } => 1,
            Error::Interrupted(_) => interrupt::exit_code(),
        }
    }
}

fn not_verified(differ: usize, refused: usize, of: usize) -> String {
    let differ = (differ > 0)
        .then(|| format!("{differ} of {} {}", counted(of, "result"), agreeing(differ, "differs", "differ")));
    let refused = (refused > 0).then(|| format!("{refused} of {of} cannot be verified"));
    differ.into_iter().chain(refused).collect::<Vec<_>>().join(", ")
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

fn names(failed: &[(String, Error)]) -> String {
    failed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A part that failed, in the error of a run.
#[derive(Debug)]
pub struct FailedPart {
    /// Which.
    pub what: String,
    /// Parts that were not tried because of it.
    pub skipped: Vec<String>,
    /// Why.
    pub error: Error,
}
