//! The options of a multi-leader store, parsed from `multi/lww[topology=ring,reroute=on]`.
//!
//! Says nothing of what an option promises: see [`super::presets`].

use std::fmt;

use histories::{Key, Nanos};
use serde::{Deserialize, Serialize};

use super::topology::Topology;
use crate::store::words::{duration, nearest, option_values, text};
use crate::store::{Bug, single};

option_values! {
    /// Whether changes go around what is broken.
    Reroute, "reroute" {
        On = "on",
        Off = "off",
    }
}

option_values! {
    /// What becomes of concurrent writes of a key.
    Conflict, "conflict" {
        Home = "home",
        Lww = "lww",
        LwwHlc = "lww-hlc",
        VersionVector = "version-vector",
        Merge = "merge",
        Crdt = "crdt",
    }
}

option_values! {
    /// In what order changes are applied elsewhere.
    Delivery, "delivery" {
        None = "none",
        Fifo = "fifo",
        Causal = "causal",
    }
}

option_values! {
    /// What else than shipping brings changes.
    Repair, "repair" {
        None = "none",
        AntiEntropy = "anti-entropy",
        Read = "read",
        Both = "both",
    }
}

option_values! {
    /// How carts are merged, but for keys that begin with `sum/`, `union/` or `maximum/`.
    Cart, "cart" {
        Sum = "sum",
        Union = "union",
        Maximum = "maximum",
    }
}

option_values! {
    /// Which register a key is, but for keys that begin with `lww/` or `mv/`.
    Register, "register" {
        Lww = "lww",
        Mv = "mv",
    }
}

/// A multi-leader store, fully specified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub topology: Topology,
    pub reroute: Reroute,
    pub conflict: Conflict,
    pub delivery: Delivery,
    pub repair: Repair,
    pub cart: Cart,
    pub register: Register,
    /// How long a message between datacentres takes.
    pub wide: Option<(Nanos, Nanos)>,
    /// How often a leader tells the other datacentres who it is and what it has.
    pub hello: Nanos,
    /// How often it asks one of them for what it lacks (`repair=anti-entropy`).
    pub exchange: Nanos,
    /// Changes of one origin that are kept for those who lack them, at most: whoever lacks more is sent the whole state.
    pub backlog: u64,
    /// Of the groups: majority and index.
    pub group: single::Options,
    /// Planted, to be found.
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topology: Topology::AllToAll,
            reroute: Reroute::Off,
            conflict: Conflict::Home,
            delivery: Delivery::Fifo,
            repair: Repair::None,
            cart: Cart::Sum,
            register: Register::Lww,
            wide: Some((Nanos::from_millis(20), Nanos::from_millis(40))),
            hello: Nanos::from_millis(100),
            exchange: Nanos::from_millis(1000),
            backlog: 65_536,
            group: single::Options::default(),
            bug: None,
        }
    }
}

impl Options {
    /// The names that go in brackets.
    pub const NAMES: [&'static str; 11] = [
        "topology", "reroute", "conflict", "delivery", "repair", "cart", "register", "wide", "hello",
        "exchange", "backlog",
    ];
    /// Those of a group that users may set.
    const GROUP: [&'static str; 5] = ["sync", "heartbeat", "election", "lease", "snapshot"];

    /// Sets one option by name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "topology" => self.topology = Topology::parse(value)?,
            "reroute" => self.reroute = Reroute::parse(value)?,
            "conflict" => self.conflict = Conflict::parse(value)?,
            "delivery" => self.delivery = Delivery::parse(value)?,
            "repair" => self.repair = Repair::parse(value)?,
            "cart" => self.cart = Cart::parse(value)?,
            "register" => self.register = Register::parse(value)?,
            "wide" => self.wide = wide(value)?,
            "hello" => self.hello = duration(name, value)?,
            "backlog" => {
                self.backlog = value
                    .parse()
                    .ok()
                    .filter(|changes| *changes > 0)
                    .ok_or_else(|| format!("backlog = {value:?}: give a number of changes, from 1"))?;
            }
            "exchange" => self.exchange = duration(name, value)?,
            "bug" => self.bug = Some(Bug::of("multi", value)?),
            name if Self::GROUP.contains(&name) => self.group.set(name, value)?,
            other => {
                let known = Self::NAMES.into_iter().chain(Self::GROUP);
                return Err(format!(
                    "a multi-leader mode has no option {other:?}; {}",
                    nearest(other, known)
                ));
            }
        }
        Ok(())
    }

    /// Every option with its value, in a fixed order.
    pub fn resolved(&self) -> Vec<(String, String)> {
        let wide =
            self.wide.map_or_else(|| "none".to_owned(), |(from, to)| format!("{}..{}", text(from), text(to)));
        let values = [
            self.topology.to_string(),
            self.reroute.to_string(),
            self.conflict.to_string(),
            self.delivery.to_string(),
            self.repair.to_string(),
            self.cart.to_string(),
            self.register.to_string(),
            wide,
            text(self.hello),
            text(self.exchange),
            self.backlog.to_string(),
        ];
        let own = Self::NAMES.into_iter().map(str::to_owned).zip(values);
        let group =
            self.group.resolved().into_iter().filter(|(name, _)| Self::GROUP.contains(&name.as_str()));
        let bug = self.bug.map(|bug| ("bug".to_owned(), bug.to_string()));
        own.chain(group).chain(bug).collect()
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Refuses what no cluster of `datacentres` with `nodes_each` can do, with the reason.
    pub fn validate(&self, datacentres: u16, nodes_each: u16) -> Result<(), String> {
        let Self { topology, conflict, delivery, .. } = self;
        if datacentres < 2 {
            return Err(format!(
                "a {topology} of {datacentres} datacentre ships to nobody: multi-leader modes take two or more, --datacentres 3"
            ));
        }
        if *delivery == Delivery::None && !matches!(conflict, Conflict::Lww | Conflict::LwwHlc) {
            return Err(format!(
                "conflict={conflict} counts on each origin's order: delivery=none goes with lww and lww-hlc only"
            ));
        }
        if self.cart != Cart::Sum && *conflict != Conflict::Merge {
            return Err(format!("cart={} merges carts, and conflict={conflict} merges nothing", self.cart));
        }
        if self.register != Register::Lww && *conflict != Conflict::Crdt {
            return Err(format!("register={} is a type of conflict=crdt, not of {conflict}", self.register));
        }
        if self.exchange < self.hello {
            return Err("exchange has to be at least as long as hello".to_owned());
        }
        self.group.validate(nodes_each)
    }

    /// Of `places`, the one that a key belongs to: by a hash that every member agrees on (FNV-1a).
    pub(super) fn home_of<T>(&self, key: &Key, places: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let hash = key.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // The high bits: the low ones of short keys hardly differ.
        let place = (hash >> 32) % (places.len().max(1) as u64);
        places.into_iter().nth(place as usize).filter(|_| self.conflict == Conflict::Home)
    }

    pub(super) fn is_causal(&self) -> bool {
        self.delivery == Delivery::Causal
    }

    pub(super) fn takes_any_order(&self) -> bool {
        self.delivery == Delivery::None
    }

    /// Readers see siblings merged.
    pub(super) fn merges(&self) -> bool {
        self.conflict == Conflict::Merge
    }

    pub(super) fn cart_of(&self, key: &Key) -> Cart {
        let prefix = key.as_str().split_once('/').and_then(|(prefix, _)| Cart::parse(prefix).ok());
        prefix.unwrap_or(self.cart)
    }

    pub(super) fn register_of(&self, key: &Key) -> Register {
        let prefix = key.as_str().split_once('/').and_then(|(prefix, _)| Register::parse(prefix).ok());
        prefix.unwrap_or(self.register)
    }

    /// Absent keys are read as no siblings, not as nothing.
    pub(super) fn keeps_siblings(&self, key: &Key) -> bool {
        match self.conflict {
            Conflict::VersionVector => true,
            Conflict::Crdt => self.register_of(key) == Register::Mv,
            Conflict::Home | Conflict::Lww | Conflict::LwwHlc | Conflict::Merge => false,
        }
    }

    /// For how long a datacentre may be silent before it counts as cut off.
    pub(super) fn patience(&self) -> Nanos {
        let far = self.wide.map_or(0, |(_, most)| most.0);
        Nanos(self.hello.0 * 5 + far * 2)
    }
}

/// A snapshot carries the options as users write them.
impl Serialize for Options {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.resolved().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut options = Self::default();
        for (name, value) in Vec::<(String, String)>::deserialize(deserializer)? {
            options.set(&name, &value).map_err(serde::de::Error::custom)?;
        }
        Ok(options)
    }
}

fn wide(value: &str) -> Result<Option<(Nanos, Nanos)>, String> {
    if value == "none" {
        return Ok(None);
    }
    let wrong = || format!("wide = {value:?}: give a range, 30ms..60ms, or none");
    let (from, to) = value.split_once("..").ok_or_else(wrong)?;
    let (from, to) = (duration("wide", from)?, duration("wide", to)?);
    if from <= to { Ok(Some((from, to))) } else { Err(wrong()) }
}
