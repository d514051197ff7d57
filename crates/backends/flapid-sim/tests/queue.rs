//! A script with the client alone: from a clip to a render in a queue, told of by signals.

use flapid_sim::{Faults, RenderDoes, RenderFault};
use rushes_filmlight::types::{InsertPosition, LogType, NewSceneOptions, OpStatus, RenderDeliverable};
use rushes_filmlight::{Connection, api};
use serde_json::{Value, json};

use crate::support::{Shoot, pair, soon};

/// Submits plates of the clip, and gives the queue and the operation's number.
async fn submit(flapi: &Connection, shoot: &Shoot) -> (api::QueueManager, i64) {
    let search = api::ImageSearcher::create(flapi).await.unwrap();
    assert!(!search.add_root_directory("/proc/self/cwd", true).await.unwrap(), "links are refused");
    let root = shoot.clip.folder.canonicalize().unwrap();
    assert!(search.add_root_directory(root.to_str().unwrap(), true).await.unwrap());
    assert!(search.scan().await.unwrap());
    soon(async { while search.is_scan_in_progress().await.unwrap() {} }).await;
    let clip = search.sequences("FSMT_FRAME_NUMBER", 10).await.unwrap().remove(0);
    assert_eq!((clip.width().await.unwrap(), clip.height().await.unwrap()), (160, 90));
    assert_eq!(clip.start_timecode(0).await.unwrap().unwrap().to_string(), "10:11:59:18");
    assert_eq!(clip.start_timecode(1).await.unwrap(), None);

    let scene = api::Scene::temporary(flapi, &NewSceneOptions::new("HD 1920x1080", "ACES_lin", 23.976)).await.unwrap();
    scene.start_delta("Insert").await.unwrap();
    scene.insert_sequence(&clip, InsertPosition::End, None).await.unwrap();
    scene.end_delta().await.unwrap();
    let setup = api::RenderSetup::create(flapi).await.unwrap();
    setup.set_scene(&scene).await.unwrap();
    let plate = RenderDeliverable {
        name: "EXR".into(),
        file_type: Some("EXR".into()),
        container: Some(shoot.out("queue").to_str().unwrap().into()),
        file_name_prefix: "A001C001.".into(),
        file_name_extension: Some(".exr".into()),
        render_format: Some("0".into()),
        render_colour_space: Some("ACES_lin".into()),
        ..RenderDeliverable::default()
    };
    setup.add_deliverable(&plate).await.unwrap();
    let queue = api::QueueManager::create_no_database(flapi).await.unwrap();
    let mut changes = flapi.listen(queue.handle(), "QueueOpStatusChanged").await.unwrap();
    queue.enable_updates().await.unwrap();
    let operation = setup.submit_to_queue(&queue, "plates").await.unwrap();
    // Let go at once, as FilmLight's people do.
    drop((setup, scene));
    assert_eq!(soon(changes.next()).await, Some(Value::from(operation.id)));
    (queue, operation.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_followed_to_its_end() {
    let (shoot, (_sim, flapi)) = (Shoot::new(), pair(Faults::default()).await);
    let (queue, id) = submit(&flapi, &shoot).await;
    let status = queue.operation_status(id).await.unwrap();
    assert_eq!((status.status.clone(), status.failure(), status.progress), (OpStatus::Done, None, 1.0));
    assert_eq!(queue.operation(id).await.unwrap().description, "plates");
    assert!(shoot.out("queue").join("A001C001.0000007.exr").is_file());
    queue.archive_operation(id).await.unwrap();
    assert_eq!(queue.operation_ids().await.unwrap(), Vec::<i64>::new());
    let licences = api::licences(&flapi, false).await.unwrap();
    assert!(licences[0].permanent);
    assert_eq!(api::sdk_versions(&flapi).await.unwrap()[0].key, "rushes");
    assert_eq!(flapi.call("JobManager.get_jobs", None, json!({ "host": "localhost" })).await.unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_done_with_errors_has_failed() {
    let does = RenderDoes::Failed(1);
    let faults = Faults { renders: vec![Some(RenderFault { after: 2, does })], ..Faults::default() };
    let (shoot, (_sim, flapi)) = (Shoot::new(), pair(faults).await);
    let (queue, id) = submit(&flapi, &shoot).await;
    let status = queue.operation_status(id).await.unwrap();
    assert_eq!(status.status, OpStatus::Done);
    assert!(status.failure().unwrap().contains("1 errors"));
    let log = queue.operation_log(id).await.unwrap();
    assert!(log.iter().any(|l| l.kind == LogType::Fail && l.frame == Some(2)));
}
