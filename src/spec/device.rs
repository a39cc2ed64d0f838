//! Where models run: the CPU, or GPUs by their maker's library or by one that all makers' have.

use super::text_or::{TextOr, schema_of};
use serde::{Deserialize, Serialize};

/// A device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// burn's Flex backend.
    #[default]
    Cpu,
    /// The CUDA device with this index.
    Cuda(usize),
    /// The GPU with this index of those that Vulkan, Metal or DirectX 12 know: those on cards first, software that stands for one last.
    Gpu(usize),
}

impl Device {
    /// What devices of its kind have in common: their results differ by no more than those of two runs of one.
    pub fn kind(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Gpu(_) => "gpu",
        }
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(index) | Device::Gpu(index) => write!(f, "{}:{index}", self.kind()),
        }
    }
}

impl std::str::FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, index.parse().ok()),
            None => (text, Some(0)),
        };
        match (kind, index) {
            ("cpu", Some(_)) if text == kind => Ok(Device::Cpu),
            ("cuda", Some(index)) => Ok(Device::Cuda(index)),
            ("gpu", Some(index)) => Ok(Device::Gpu(index)),
            _ => Err(format!("no device '{text}'; write \"cpu\", \"cuda:0\" or \"gpu:0\"")),
        }
    }
}

impl Serialize for Device {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

schema_of!(Device, |_| {
    "description": "Where a model runs: `cpu`, `cuda:N` in a program built with the feature `cuda`, `gpu:N` in one built with the feature `wgpu`.",
    "type": "string",
    "format": "device",
    "pattern": "^(cpu|cuda|cuda:[0-9]+|gpu|gpu:[0-9]+)$",
});

/// One device, or several of one kind that share the rows of interventions: each holds the model, or a part of its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    first: Device,
    others: Vec<Device>,
}

impl Devices {
    /// The one that does what is not shared.
    pub fn first(&self) -> Device {
        self.first
    }

    /// Those that share the rows with it.
    pub fn others(&self) -> impl Iterator<Item = Device> + '_ {
        self.others.iter().copied()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Device> + '_ {
        std::iter::once(self.first).chain(self.others())
    }

    /// How many of them compute at once as fast as alone: the same one twice is no faster, and the CPU is one, in however many parts.
    pub fn different(&self) -> usize {
        let all: Vec<Device> = self.all().collect();
        all.iter().enumerate().filter(|(place, device)| !all[..*place].contains(device)).count()
    }

    fn several(devices: Vec<Device>) -> Result<Self, String> {
        let Some((&first, others)) = devices.split_first() else {
            return Err("the list of devices is empty; write \"cpu\", \"cuda:0\" or \"gpu:0\"".into());
        };
        match others.iter().find(|other| other.kind() != first.kind()) {
            Some(other) => Err(format!(
                "devices '{first}' and '{other}' are of two kinds; write devices of one kind, which round alike and share the rows evenly"
            )),
            None => Ok(Self { first, others: others.to_vec() }),
        }
    }
}

impl Default for Devices {
    fn default() -> Self {
        Device::default().into()
    }
}

impl From<Device> for Devices {
    fn from(first: Device) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl std::fmt::Display for Devices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.first)?;
        self.others.iter().try_for_each(|other| write!(f, ", {other}"))
    }
}

impl Serialize for Devices {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.others.is_empty() {
            true => self.first.serialize(serializer),
            false => serializer.collect_seq(self.all()),
        }
    }
}

impl<'de> Deserialize<'de> for Devices {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let devices = match TextOr::<Vec<Device>>::deserialize(deserializer)? {
            TextOr::Text(device) => device.parse::<Device>().map(Devices::from),
            TextOr::Other(devices) => Self::several(devices),
        };
        devices.map_err(serde::de::Error::custom)
    }
}

schema_of!(Devices, |generator| {
    "description": "A device, or a list of several of one kind, which share the rows of interventions: each holds the model, or a part of its layers.",
    "anyOf": [
        generator.subschema_for::<Device>(),
        { "type": "array", "items": generator.subschema_for::<Device>(), "minItems": 1 },
    ],
});
