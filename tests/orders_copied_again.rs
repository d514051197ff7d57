use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes::core::graph::Registry;
use rushes::core::media::ClipMedia;
use rushes::core::run::{Orders as _, RunContext, UnitRef, UnitReport};
use rushes::order::{Desk, Order, Spread};
use rushes::recipes::Dailies;

use crate::orders::{desk, same, work};
use crate::support::{Bench, damaged_until, recipe};

/// A card of whose clips frame 3 is damaged until the card is copied again.
struct Shoot {
    bench: Bench,
    recipe: Dailies,
    healed: Arc<AtomicBool>,
}

impl Shoot {
    fn new(recipe: Dailies) -> Self {
        Self { bench: Bench::new(), recipe, healed: Arc::default() }
    }

    fn registry(&self) -> Registry {
        damaged_until(&[3], &self.healed)
    }

    fn desk(&self) -> Desk {
        desk(self.registry())
    }

    async fn order(&self) -> Order {
        let job = self.bench.job(&self.recipe, "out").frames_per_unit(2).registry(self.registry());
        job.order(Spread::default()).await.unwrap()
    }

    /// The files of frames, of every clip.
    fn files(order: &Order, frame: i64) -> Vec<PathBuf> {
        let file = |clip| match &order.units(clip).unwrap()[0].clip.media {
            ClipMedia::Sequence(s) => s.path(frame),
            ClipMedia::Files(files) => panic!("{files:?}"),
        };
        (0..order.head().clips).map(file).collect()
    }

    /// Copies frames again, which are whole then, or not.
    fn copy_again(&self, order: &Order, frame: i64, healed: bool) {
        for file in Self::files(order, frame) {
            let mut bytes = std::fs::read(&file).unwrap();
            let time = std::fs::metadata(&file).unwrap().modified().unwrap();
            // A bit of it was wrong, and is another now.
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&file, bytes).unwrap();
            // Programs that copy keep the time.
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        }
        self.healed.store(healed, Ordering::Relaxed);
    }

    async fn same_as_a_run(&self) {
        let registry = if self.healed.load(Ordering::Relaxed) { rushes::registry() } else { self.registry() };
        let run = self.bench.job(&self.recipe, "run").frames_per_unit(2).registry(registry);
        run.run().await.unwrap();
        same(&self.bench.path("run"), &self.bench.path("out"));
    }
}

fn damaged_frames(order: &Order) -> usize {
    order.report().unwrap().unwrap().findings.iter().filter(|f| f.code == "frame-undecodable").count()
}

fn not_done(order: &Order) -> Vec<UnitReport> {
    order.report().unwrap().unwrap().units.into_iter().filter(|u| !u.is_done()).collect()
}

/// All of an order as tasks of a farm would do it.
async fn in_frames(desk: &Desk, order: &Order) -> bool {
    let (name, cx) = (order.folder().to_str().unwrap(), RunContext::plain());
    for clip in 0..order.head().clips {
        desk.run_frames(name, clip, None, &cx).await.unwrap();
    }
    desk.complete(name, true, &cx).await.unwrap()
}

#[tokio::test]
async fn frames_that_are_whole_once_the_card_is_copied_again_are_made() {
    for recipe in [recipe(), recipe().plates_only()] {
        let shoot = Shoot::new(recipe);
        let order = shoot.order().await;
        assert!(work(&shoot.desk(), &order).await, "{:?}", not_done(&order));
        assert_eq!(damaged_frames(&order), 2);
        shoot.copy_again(&order, 3, true);
        let again = shoot.order().await;
        assert_eq!(again.id(), order.id());
        assert!(work(&shoot.desk(), &again).await, "{:?}", not_done(&again));
        assert_eq!(damaged_frames(&again), 0);
        shoot.same_as_a_run().await;
    }
}

#[tokio::test]
async fn they_are_made_whoever_does_it_and_before_anything_was_finished() {
    let shoot = Shoot::new(recipe().plates_only());
    let order = shoot.order().await;
    let (name, desk) = (order.folder().to_str().unwrap(), shoot.desk());
    for generation in 0..2 {
        for unit in 0..order.clip(0).unwrap().units {
            desk.run(name, UnitRef { clip: 0, generation, unit }, &RunContext::plain()).await.unwrap();
        }
        assert_eq!(desk.settle(name, 0, generation).await.unwrap().is_some(), generation == 0);
    }
    shoot.copy_again(&order, 3, true);
    // The worker has been there all the time.
    assert!(desk.complete(name, true, &RunContext::plain()).await.unwrap(), "{:?}", not_done(&order));
    assert_eq!(damaged_frames(&order), 0);
    shoot.same_as_a_run().await;
}

#[tokio::test]
async fn frames_that_are_damaged_still_are_replaced_again() {
    let shoot = Shoot::new(recipe().plates_only());
    let order = shoot.order().await;
    assert!(work(&shoot.desk(), &order).await, "{:?}", not_done(&order));
    let planned = || std::fs::read(order.folder().join("clips/0.1.json")).unwrap();
    let first = planned();
    // Another frame has nothing to do with it.
    shoot.copy_again(&order, 6, false);
    assert!(work(&shoot.desk(), &order).await, "{:?}", not_done(&order));
    assert!(planned() == first && damaged_frames(&order) == 2);
    shoot.copy_again(&order, 3, false);
    assert!(in_frames(&shoot.desk(), &order).await, "{:?}", not_done(&order));
    assert!(planned() != first && damaged_frames(&order) == 2);
    shoot.same_as_a_run().await;
    // What was found out about a file that is another by now counts for nothing.
    shoot.copy_again(&order, 3, true);
    let name = order.folder().to_str().unwrap();
    assert_eq!(shoot.desk().settle(name, 0, 0).await.unwrap(), None);
    assert!(work(&shoot.desk(), &order).await, "{:?}", not_done(&order));
    assert_eq!(damaged_frames(&order), 0);
}
