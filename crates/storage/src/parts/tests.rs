//! Uploads to a store without a condition, in memory.

use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;

use super::*;
use crate::bucket::Bucket;

fn object(store: &Arc<InMemory>) -> Arc<Object> {
    // It is not asked for pages.
    let pages = AmazonS3Builder::new().with_bucket_name("none").with_skip_signature(true).build().unwrap();
    let bucket = Bucket {
        objects: store.clone(),
        pages: Arc::new(pages),
        puts: store.clone(),
        parts: store.clone(),
        last: None,
    };
    Arc::new(Object {
        uri: "gs://reels/out/x.mov".into(),
        bucket,
        key: Path::from("out/x.mov"),
        limits: Limits { total: Duration::from_secs(20), idle: Duration::from_secs(1) },
    })
}

fn look(object: &Arc<Object>, key: &Path) -> Option<u64> {
    let (object, key) = (Arc::clone(object), key.clone());
    wait(async move { object.stat_of(&key).await }).ok().map(|s| s.bytes)
}

#[test]
fn attempts_at_one_output_have_names_of_their_own() {
    let store = Arc::new(InMemory::new());
    let object = object(&store);
    let begin = || Arc::new(Upload::begin(&object, Before::Nothing, 9 << 20, When::Absent).unwrap());
    let (one, other) = (begin(), begin());
    assert!(one.key != other.key && one.is_aside());
    let name = one.key.as_ref();
    assert!(name.starts_with("out/x.mov.") && name.ends_with(".rushes-part"), "{name}");
    let bytes = [vec![1; 9 << 20], vec![2; 9 << 20]];
    let end = |upload: &Arc<Upload>, bytes: &[u8]| {
        let parts = upload.send(Body::Bytes(bytes)).unwrap();
        let upload = Arc::clone(upload);
        wait(async move { upload.complete(parts).await }).unwrap();
    };
    end(&one, &bytes[0]);
    end(&other, &bytes[1]);
    let name = |upload: &Arc<Upload>| {
        let upload = Arc::clone(upload);
        wait(async move { upload.name().await }).unwrap()
    };
    assert!(matches!(name(&other), End::Put(Put::Done)));
    assert_eq!(look(&object, &other.key), None);
    assert_eq!(look(&object, &one.key), Some(9 << 20), "it is not the other's");
    assert!(matches!(name(&one), End::Put(Put::Stands)));
    assert_eq!(look(&object, &one.key), None);
    let there = wait(async move { Ok(object.bucket.objects.get(&object.key).await.unwrap().bytes().await.unwrap()) });
    assert!(there.unwrap() == bytes[1]);
}

#[test]
fn what_was_sent_is_removed_where_nothing_comes_of_it() {
    let store = Arc::new(InMemory::new());
    let object = object(&store);
    // A body that ends before it should.
    let file = tempfile::tempfile().unwrap();
    let e = put(&object, Body::File(&file, 9 << 20), When::Absent).unwrap_err();
    assert!(e.to_string().contains("reading what is put"), "{e}");
    // One whose last request was heard, and is then given up.
    let upload = Arc::new(Upload::begin(&object, Before::Nothing, 9, When::Absent).unwrap());
    let parts = upload.send(Body::Bytes(b"123456789")).unwrap();
    let (sent, key) = (Arc::clone(&upload), upload.key.clone());
    wait(async move { sent.complete(parts).await }).unwrap();
    assert_eq!(look(&object, &key), Some(9));
    wait(async move {
        upload.abort().await;
        Ok(())
    })
    .unwrap();
    assert_eq!(look(&object, &key), None);
}
