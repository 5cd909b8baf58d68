//! Databases of others as systems under test: how each is started, spoken to and asked how it is, and what its modes
//! promise and give up. What all have in common is [`crate::cluster`]'s.

mod etcd;
mod galera;
mod lost;
mod postgres;
mod redis;
mod sql;
mod template;
mod zookeeper;

use std::sync::Arc;

pub use self::etcd::EtcdSystem;
pub use self::galera::GaleraSystem;
pub use self::postgres::PostgresSystem;
pub use self::redis::RedisSystem;
pub use self::zookeeper::ZookeeperSystem;
use crate::System;
use crate::cluster::Host;

/// Every database that this crate has a driver for.
pub fn all(host: &Host) -> Vec<Arc<dyn System>> {
    vec![
        Arc::new(EtcdSystem::new(host.clone())),
        Arc::new(RedisSystem::redis(host.clone())),
        Arc::new(RedisSystem::valkey(host.clone())),
        Arc::new(PostgresSystem::new(host.clone())),
        Arc::new(ZookeeperSystem::new(host.clone())),
        Arc::new(GaleraSystem::new(host.clone())),
    ]
}
