//! What the logit lens measures of a stream that is read as if it were the model's last.

use super::answer::measures_of_the_answer;

measures_of_the_answer! {
    /// What a stream within the model says of the answer r: L its logit, P its probability, NL = logit(r) / largest logit. Of several right
    /// answers P is the sum, L the mean.
    LensMeasure(read) of read;
}
