//! Digests of folders (ASC MHL 1.0, section 5; the worked example is scenario 03 of the
//! specification's repository).

use super::manifest::FolderSums;
use super::tree::Tree;
use crate::hash::{Algorithm, Digested, Hashing, Sum};
use crate::offload::CardPath;

/// The digests of every folder of `tree`, in its order, by each of `algorithms` that all files
/// below it have. The content digest is over the sorted digests of what is in the folder; the
/// structure digest over the sorted digests of names and digests. `files` are in the order of
/// [`Tree::files`].
pub(super) fn sums(tree: &Tree, files: &[Digested], algorithms: &[Algorithm]) -> Vec<FolderSums> {
    let mut all: Vec<FolderSums> = Vec::with_capacity(tree.folders.len());
    for folder in &tree.folders {
        let mut sums = FolderSums::default();
        for &algorithm in algorithms {
            let of_files = folder.files.iter().zip(&files[folder.first..]).map(|(path, file)| {
                let sum = file.sums.get(algorithm)?;
                Some((path, sum, sum))
            });
            let of_folders = folder.folders.iter().map(|&i| {
                let below: &FolderSums = &all[i];
                let path = tree.folders[i].path.as_ref()?;
                Some((path, below.content.get(algorithm)?, below.structure.get(algorithm)?))
            });
            let inside: Option<Vec<(&CardPath, &Sum, &Sum)>> = of_files.chain(of_folders).collect();
            let Some(inside) = inside else { continue };
            let mut content: Vec<&[u8]> = inside.iter().map(|(_, sum, _)| sum.bytes()).collect();
            let mut structure: Vec<Sum> = inside
                .iter()
                .filter_map(|(path, _, sum)| {
                    let name = path.as_path().file_name()?.to_str()?;
                    digest(algorithm, [name.as_bytes(), sum.bytes()])
                })
                .collect();
            content.sort_unstable();
            structure.sort_unstable();
            if let (Some(content), Some(structure)) =
                (digest(algorithm, content), digest(algorithm, structure.iter().map(Sum::bytes)))
            {
                sums.content.insert(content);
                sums.structure.insert(structure);
            }
        }
        all.push(sums);
    }
    all
}

fn digest<'a>(algorithm: Algorithm, parts: impl IntoIterator<Item = &'a [u8]>) -> Option<Sum> {
    let mut hashing = Hashing::new(&[algorithm]);
    parts.into_iter().for_each(|part| hashing.update(part));
    hashing.finish().get(algorithm).cloned()
}
