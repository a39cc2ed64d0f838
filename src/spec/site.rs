//! Sites of an intervention, as a spec writes them: `blocks.*.attn.hook_z[head]`, `mlp_post[neuron]`, `blocks.0..4.hook_resid_pre`,
//! `blocks.{probes}.mlp.hook_post[neuron]`.

use super::hook::{Hook, OUTSIDE, SITES, Site};
use super::layers::Layers;
use super::nearest;
use super::numbers::Numbers;

/// Hooks, and what of them is one intervention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePattern {
    /// Where.
    pub hooks: HookPattern,
    /// Of which units.
    pub units: UnitPattern,
}

/// One hook, or the same in several layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookPattern {
    /// Outside the blocks.
    One(Hook),
    /// In these layers.
    Layers(Layers, Site),
}

/// Units of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitPattern {
    /// All of them together: the whole activation.
    Whole,
    /// Each of these on its own: `[head]`, `[neuron]`, `[0..8]`.
    Each(Numbers),
}

/// Whether the units of a site are heads.
pub fn has_heads(site: Site) -> bool {
    matches!(
        site,
        Site::Q
            | Site::K
            | Site::V
            | Site::QNormed
            | Site::KNormed
            | Site::RotQ
            | Site::RotK
            | Site::AttnScores
            | Site::Pattern
            | Site::Z
            | Site::Result
    )
}

/// Whether the units of a site are neurons of the MLP.
pub fn has_neurons(site: Site) -> bool {
    matches!(site, Site::MlpPre | Site::MlpPreLinear | Site::MlpPost)
}

impl SitePattern {
    /// Reads a site: TransformerLens's name or its shorthand, layers before it (none: every layer), units in brackets
    /// behind it.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, units) = match text.trim().split_once('[') {
            None => (text.trim(), None),
            Some((name, rest)) => match rest.strip_suffix(']') {
                Some(units) => (name.trim(), Some(units.trim())),
                None => return Err(format!("'{text}': a bracket is not closed; write ']' at its end")),
            },
        };
        let hooks = HookPattern::parse(name)?;
        let units = match units {
            None => UnitPattern::Whole,
            Some(units) => UnitPattern::Each(hooks.units(units)?),
        };
        Ok(Self { hooks, units })
    }
}

impl HookPattern {
    fn parse(name: &str) -> Result<Self, String> {
        if let Some((hook, ..)) = OUTSIDE.iter().find(|(_, full, short, ..)| name == *full || name == *short) {
            return Ok(HookPattern::One(*hook));
        }
        let rest = name.strip_prefix("blocks.").unwrap_or(name);
        // The longest name first: `z` ends many a word.
        let mut names: Vec<(Site, &str)> =
            SITES.iter().flat_map(|(site, full, short)| [(*site, *full), (*site, *short)]).collect();
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        for (site, known) in names {
            if rest == known {
                return Ok(HookPattern::Layers(Layers::Written(Numbers::All), site));
            }
            if let Some(layers) = rest.strip_suffix(known).and_then(|rest| rest.strip_suffix('.')) {
                return Layers::parse(layers).map(|layers| HookPattern::Layers(layers, site)).map_err(|problem| {
                    // What stands before the name is no layers, or more: the 0.attn of 0.attn.z.
                    let a_name = layers.starts_with(|letter: char| letter.is_ascii_alphabetic());
                    if a_name || layered(rest).is_some() { unknown(name) } else { problem }
                });
            }
        }
        Err(unknown(name))
    }

    /// Reads what stands in brackets.
    fn units(&self, text: &str) -> Result<Numbers, String> {
        let word = match self {
            HookPattern::Layers(_, site) if has_heads(*site) => "head",
            HookPattern::Layers(_, site) if has_neurons(*site) => "neuron",
            _ => "unit",
        };
        match text {
            "head" | "neuron" | "unit" if text == word => Ok(Numbers::All),
            "head" | "neuron" | "unit" => Err(format!("this hook has no {text}s; write [{word}]")),
            _ => Numbers::parse(text).map_err(|_| {
                format!(
                    "'[{text}]' does not name units; write [{word}] for each {word}, or numbers: [3], [0..8], [1,4]"
                )
            }),
        }
    }
}

/// Layers and what follows them, where a name without `blocks.` begins with layers.
fn layered(name: &str) -> Option<(&str, &str)> {
    let mut parts = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    parts.rfind(|(layers, rest)| Layers::parse(layers).is_ok() && !rest.starts_with('.'))
}

fn unknown(name: &str) -> String {
    let bare = name.strip_prefix("blocks.").unwrap_or(name);
    let (before, hook) = match layered(bare) {
        Some((_, hook)) => (name.strip_suffix(hook).unwrap_or_default(), hook),
        None if bare == name => ("", name),
        None => ("blocks.*.", bare.split_once('.').map_or(bare, |(_, hook)| hook)),
    };
    let near = same_but_for_its_path(hook).or_else(|| {
        let names = SITES.iter().flat_map(|(_, full, short)| [*full, *short]);
        nearest(hook, names.chain(OUTSIDE.iter().flat_map(|(_, full, short, ..)| [*full, *short])))
    });
    match near {
        Some(near) if OUTSIDE.iter().any(|(_, full, short, ..)| near == *full || near == *short) => {
            format!("no hook '{name}'; write '{near}'")
        }
        Some(near) if before.is_empty() && SITES.iter().any(|(_, full, _)| *full == near) => {
            format!("no hook '{name}'; write 'blocks.*.{near}'")
        }
        Some(near) => format!("no hook '{name}'; write '{before}{near}'"),
        None => format!(
            "no hook '{name}'; hooks are named as in TransformerLens: 'blocks.*.attn.hook_z', 'mlp_post', 'resid_pre'"
        ),
    }
}

/// The hook that is meant by a name with another path before its last part: `hook_z`, `attn.z`.
fn same_but_for_its_path(name: &str) -> Option<&'static str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().trim_start_matches("hook_").to_string();
    let (module, wanted) = (name.split('.').next().unwrap_or_default(), last(name));
    let mut fitting: Vec<&str> = SITES
        .iter()
        .filter(|(_, full, short)| last(full) == wanted || *short == wanted)
        .map(|(_, full, _)| *full)
        .collect();
    // Several have one last part: the scale of each norm.
    fitting.sort_by_key(|full| !full.starts_with(module));
    fitting.first().copied()
}
