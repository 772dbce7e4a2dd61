//! `mae-seg eval --results`: measures the results of another program.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Arguments, Summary, report, taken, tell};
use crate::cli::terminal::progress;
use crate::cli::wrong_usage;
use crate::data::coco::{CocoAnnotation, CocoImage};
use crate::data::{CocoDataset, Damaged, DataError, LeftOut, PhotoFolder, Reason};
use crate::eval::{Results, Vocabulary, VocabularyKind, evaluate_results};

pub(super) fn run(arguments: &Arguments, file: &Path, images: Option<&Path>) -> Result<()> {
    let mut dataset = CocoDataset::load(&arguments.annotations)?;
    let folder = images.map(|images| PhotoFolder::of(images, &mut dataset)).transpose()?;
    let results = Results::load(file, &dataset)?;
    let unusable = without_broken(&mut dataset, results.have_masks(), arguments)?;
    let mut results = results.without(&unusable);
    let crowds: Vec<String> =
        dataset.annotations.iter().filter(|object| object.iscrowd).map(CocoAnnotation::name).collect();
    crowds.iter().for_each(|crowd| dataset.left_out.add(Reason::Crowd, crowd));
    let (mut truth, mut labels) = (dataset.clone(), VocabularyKind::Category);
    if arguments.class_agnostic {
        let vocabulary = Vocabulary::choose(&[], &dataset, true)?;
        (truth, labels) = (vocabulary.translate(&dataset), vocabulary.kind());
        results = vocabulary.categories().iter().fold(results, |results, one| results.of_category(one.id));
    }
    let mut left_out = dataset.left_out.clone();
    left_out.extend(&results.left_out);
    progress::say(&taken(&dataset, &left_out));
    if !results.have_masks() {
        progress::say("the results have boxes but no masks: only boxes are evaluated");
    }
    let file_at_fault = || arguments.annotations.display().to_string();
    let evaluation = evaluate_results(&truth, &results).with_context(file_at_fault)?;
    let summary = Summary {
        weights: None,
        results: Some(file.display().to_string()),
        photos: dataset.images.len(),
        skipped_photos: unusable.len(),
        annotated_objects: dataset.annotations.len(),
        predictions: results.len(),
        labels,
        device: None,
        masks: &evaluation.masks,
        boxes: &evaluation.boxes,
        clicks: Vec::new(),
    };
    tell(arguments, &summary, &evaluation)?;
    match (&arguments.report, folder) {
        (None, _) => Ok(()),
        (Some(out), Some(images)) if results.have_masks() => {
            let name = file.display().to_string();
            report::write(out, &name, &truth, &images, &results.predictions(), &evaluation)
        }
        _ => Err(wrong_usage("--report needs --images and results with masks")),
    }
}

/// Removes and reports photos with broken annotations, or stops at the first; outlines are checked only if
/// they are compared with `masks`.
fn without_broken(dataset: &mut CocoDataset, masks: bool, arguments: &Arguments) -> Result<Vec<u64>> {
    let objects = dataset.annotations_by_image();
    let look = |image: &CocoImage| -> Result<(), DataError> {
        dataset.unbroken(image)?;
        let objects = objects.get(&image.id).into_iter().flatten().filter(|_| masks);
        for object in objects {
            let outline = object.segmentation.to_rle(image.width, image.height);
            outline.map_err(|source| DataError::Outline { annotation: object.name(), source })?;
        }
        Ok(())
    };
    let (mut unusable, mut left_out) = (Vec::new(), LeftOut::default());
    for image in &dataset.images {
        match look(image) {
            Ok(()) => {}
            Err(error) if matches!(arguments.damaged, Damaged::Skip) => {
                progress::skipped(&[format!("{}: {error}", image.file_name)]);
                left_out.add(Reason::Unusable, &image.file_name);
                unusable.push(image.id);
            }
            Err(error) => return Err(error.in_file(&arguments.annotations).into()),
        }
    }
    dataset.left_out.extend(&left_out);
    dataset.images.retain(|image| !unusable.contains(&image.id));
    dataset.annotations.retain(|object| !unusable.contains(&object.image_id));
    Ok(unusable)
}
