//! Operators, templates, operand ranges, legality, sampling.
