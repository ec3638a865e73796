//! What goes wrong, and when: the whole story of a run, written before it
//! begins and from its seed alone.

use super::seed::Chance;
use std::time::Duration;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Everything a device has open is cut.
    Cut { device: usize },
    /// What every device has open is cut at once.
    CutAll,
    /// Nothing passes in either direction for a while; then all of it does.
    Stall { device: usize, span: Duration },
    /// What is open now stays open and loses what one side says, for good.
    Half { device: usize, from_client: bool },
    /// Every piece comes late.
    Delay {
        device: usize,
        each: Duration,
        span: Duration,
    },
    /// Whoever connects is turned away.
    Refuse { device: usize, span: Duration },
    /// The next message reaches the server, and the answer to it is lost.
    LoseAnswer { device: usize },
    /// The next renewal reaches the server, and the answer to it is lost.
    LoseRenewal { device: usize },
    /// The program is killed and started again with its data.
    KillClient { device: usize, away: Duration },
    /// The server is killed and started again with its data.
    KillServer { server: usize, away: Duration },
    /// Redis is killed and started again, empty.
    StopRedis { span: Duration },
}

/// A fault and the moment it comes, from the start of the bad weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Duration,
    /// What.
    pub fault: Fault,
}

/// What a run has that can go wrong.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    /// How long the bad weather lasts.
    pub length: Duration,
    /// How many devices there are.
    pub devices: usize,
    /// How many servers.
    pub servers: usize,
    /// Whether there is a Redis.
    pub redis: bool,
    /// Whether renewals by json lose their answers.
    pub lose_renewals: bool,
}

/// Writes the story of a seed. Each kind of kill comes at least once, whatever the seed.
pub fn plan(seed: u64, scene: Scene) -> Vec<Planned> {
    let mut chance = Chance::part(seed, 1);
    let mut planned = Vec::new();
    let mut at = Duration::from_millis(1500);
    while at < scene.length {
        let fault = network(&mut chance, scene.devices);
        planned.push(Planned { at, fault });
        at += chance.millis(300, 1700);
    }
    // A server takes ten seconds and more to come back.
    planned.extend(every(&mut chance, scene, 38, |chance, at| Planned {
        at,
        fault: Fault::KillServer {
            server: chance.index(scene.servers),
            away: chance.millis(0, 4000),
        },
    }));
    planned.extend(every(&mut chance, scene, 9, |chance, at| Planned {
        at,
        fault: Fault::KillClient {
            device: chance.index(scene.devices),
            away: chance.millis(0, 5000),
        },
    }));
    if scene.redis {
        planned.extend(every(&mut chance, scene, 45, |chance, at| Planned {
            at,
            fault: Fault::StopRedis {
                // After ten seconds without it a Directus ends by itself, which is
                // another fault; before, it goes on and loses events.
                span: match chance.between(0, 3) {
                    0 => chance.millis(11_000, 20_000),
                    _ => chance.millis(3_000, 8_000),
                },
            },
        }));
    }
    if scene.lose_renewals {
        planned.extend(every(&mut chance, scene, 12, |chance, at| Planned {
            at,
            fault: Fault::LoseRenewal {
                device: chance.index(scene.devices),
            },
        }));
    }
    planned.sort_by_key(|planned| planned.at);
    planned
}

/// One about every so many seconds, at least one, none of them near the ends.
fn every(
    chance: &mut Chance,
    scene: Scene,
    seconds: u64,
    mut one: impl FnMut(&mut Chance, Duration) -> Planned,
) -> Vec<Planned> {
    let count = (scene.length.as_secs() / seconds).max(1);
    let slot = u64::try_from(scene.length.as_millis()).unwrap_or(u64::MAX) / count;
    let mut all = Vec::new();
    for number in 0..count {
        let within = chance.between(slot / 5, slot * 3 / 5);
        all.push(one(chance, Duration::from_millis(slot * number + within)));
    }
    all
}

fn network(chance: &mut Chance, devices: usize) -> Fault {
    let device = chance.index(devices);
    match chance.between(0, 15) {
        0..=3 => Fault::Cut { device },
        4 => Fault::CutAll,
        5..=6 => Fault::Stall {
            device,
            span: chance.millis(500, 8000),
        },
        7..=8 => Fault::Half {
            device,
            from_client: chance.once_in(2),
        },
        9..=10 => Fault::Delay {
            device,
            each: chance.millis(20, 700),
            span: chance.millis(1000, 6000),
        },
        11 => Fault::Refuse {
            device,
            span: chance.millis(500, 5000),
        },
        12 => Fault::LoseRenewal { device },
        _ => Fault::LoseAnswer { device },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: Scene = Scene {
        length: Duration::from_secs(50),
        devices: 8,
        servers: 1,
        redis: true,
        lose_renewals: true,
    };

    #[test]
    fn a_seed_is_a_story() {
        assert_eq!(plan(3, SCENE), plan(3, SCENE));
        assert_ne!(plan(3, SCENE), plan(4, SCENE));
    }

    #[test]
    fn every_story_has_each_kind_of_kill_and_ends_in_time() {
        for seed in 0..200 {
            let story = plan(seed, SCENE);
            let has = |is: fn(&Fault) -> bool| story.iter().any(|planned| is(&planned.fault));
            assert!(has(|fault| matches!(fault, Fault::KillServer { .. })));
            assert!(has(|fault| matches!(fault, Fault::KillClient { .. })));
            assert!(has(|fault| matches!(fault, Fault::StopRedis { .. })));
            assert!(has(|fault| matches!(fault, Fault::LoseRenewal { .. })));
            assert!(story.iter().all(|planned| planned.at < SCENE.length));
            assert!(story.is_sorted_by_key(|planned| planned.at));
        }
    }
}
