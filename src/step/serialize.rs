//! What blocks of steps give, as bits.

use crate::heuristic::{Match, Tail};
use crate::intervene::{Activation, Layout, LogitReads};
use crate::manifest::SelfCheck;
use crate::probe::Judged;
use crate::resume::Bits;

impl Bits for LogitReads {
    fn write(&self, out: &mut Vec<u8>) {
        self.picks.write(out);
        self.picked.write(out);
        self.log_total.write(out);
        self.largest.write(out);
        self.arg_max.write(out);
        self.divergence.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            picks: Bits::read(from)?,
            picked: Bits::read(from)?,
            log_total: Bits::read(from)?,
            largest: Bits::read(from)?,
            arg_max: Bits::read(from)?,
            divergence: Bits::read(from)?,
        })
    }
}

impl Bits for SelfCheck {
    fn write(&self, out: &mut Vec<u8>) {
        self.step.write(out);
        self.model.write(out);
        self.rows.write(out);
        self.largest_difference.write(out);
        self.tolerance.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            step: Bits::read(from)?,
            model: Bits::read(from)?,
            rows: Bits::read(from)?,
            largest_difference: Bits::read(from)?,
            tolerance: Bits::read(from)?,
            from_store: None,
        })
    }
}

impl Bits for Judged {
    fn write(&self, out: &mut Vec<u8>) {
        self.correct.write(out);
        self.loss.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self { correct: Bits::read(from)?, loss: Bits::read(from)? })
    }
}

impl Bits for Match {
    fn write(&self, out: &mut Vec<u8>) {
        self.heuristic.to_string().write(out);
        self.associated.write(out);
        self.score.write(out);
        (self.tail == Tail::High).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            heuristic: String::read(from)?.parse().ok()?,
            associated: Bits::read(from)?,
            score: Bits::read(from)?,
            tail: if bool::read(from)? { Tail::High } else { Tail::Low },
        })
    }
}

impl Bits for Layout {
    fn write(&self, out: &mut Vec<u8>) {
        let (kind, a, b): (u8, usize, usize) = match *self {
            Layout::Stream { width } => (0, 1, width),
            Layout::Heads { heads, width } => (1, heads, width),
            Layout::Attention { heads, keys } => (2, heads, keys),
        };
        kind.write(out);
        (a, b).write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let kind = u8::read(from)?;
        match (kind, Bits::read(from)?) {
            (0, (1, width)) => Some(Layout::Stream { width }),
            (1, (heads, width)) => Some(Layout::Heads { heads, width }),
            (2, (heads, keys)) => Some(Layout::Attention { heads, keys }),
            _ => None,
        }
    }
}

impl Bits for Activation {
    fn write(&self, out: &mut Vec<u8>) {
        self.layout.write(out);
        self.rows.write(out);
        self.positions.write(out);
        self.data.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            layout: Bits::read(from)?,
            rows: Bits::read(from)?,
            positions: Bits::read(from)?,
            data: Bits::read(from)?,
        })
    }
}
