//! `[slurm]`: what a cluster is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Slurm is asked for where steps run on a cluster (`ablate submit`). What is left out here is taken from the site's file, then from
/// the plan. Nothing here changes a result.
///
/// ```toml
/// [slurm]
/// partition = "gpu"
/// account = "interp"
/// gres = "gpu:1"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slurm {
    /// Partition.
    #[schemars(length(min = 1))]
    pub partition: Option<String>,
    /// Account that is charged.
    #[schemars(length(min = 1))]
    pub account: Option<String>,
    /// Quality of service.
    #[schemars(length(min = 1))]
    pub qos: Option<String>,
    /// Generic resources of each task: `gpu:1`.
    #[schemars(length(min = 1))]
    pub gres: Option<String>,
    /// Features that nodes must have: `a100|h100`.
    #[schemars(length(min = 1))]
    pub constraint: Option<String>,
    /// Time limit of each task, as `sbatch --time` takes it: `90` (minutes), `8:00:00`, `1-12`. Left out: three times what the plan says
    /// of the longest task, and ten minutes.
    #[schemars(length(min = 1))]
    pub time: Option<String>,
    /// Memory of each task, as `sbatch --mem` takes it: `32G`. Left out: from the plan.
    #[schemars(length(min = 1))]
    pub memory: Option<String>,
    /// Cores of each task. Left out: `run.threads`, or 1.
    #[schemars(range(min = 1, max = 1024))]
    pub cpus: Option<usize>,
    /// Tasks that run at the same time at most. Left out: as many as the cluster gives.
    #[schemars(range(min = 1))]
    pub parallel: Option<usize>,
    /// The least time of a task, in minutes by the plan: steps that take less share a task. Left out: 10.
    #[schemars(range(min = 0))]
    pub minutes: Option<f64>,
    /// How often a task is started again when it reaches its time limit. Left out: 5.
    #[schemars(range(max = 1000))]
    pub requeues: Option<u32>,
    /// Lines of shell before the work: `module load cuda`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
}

impl Slurm {
    /// The same, what is left out taken from another.
    pub fn or(self, other: &Self) -> Self {
        let Self { partition, account, qos, gres, constraint, time, memory, cpus, parallel, minutes, requeues, setup } =
            self;
        let text = |own: Option<String>, other: &Option<String>| own.or_else(|| other.clone());
        Self {
            partition: text(partition, &other.partition),
            account: text(account, &other.account),
            qos: text(qos, &other.qos),
            gres: text(gres, &other.gres),
            constraint: text(constraint, &other.constraint),
            time: text(time, &other.time),
            memory: text(memory, &other.memory),
            cpus: cpus.or(other.cpus),
            parallel: parallel.or(other.parallel),
            minutes: minutes.or(other.minutes),
            requeues: requeues.or(other.requeues),
            setup: if setup.is_empty() { other.setup.clone() } else { setup },
        }
    }
}
