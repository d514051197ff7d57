//! Names of the tags of TIFF 6.0, TIFF/EP, EXIF 2.32, DNG 1.7 and CinemaDNG 1.1.

/// The name of `tag`; `None` for a private or unknown one.
pub(super) fn name(tag: u16) -> Option<&'static str> {
    let at = NAMES.binary_search_by_key(&tag, |&(t, _)| t).ok()?;
    Some(NAMES[at].1)
}

/// `ReelName (51081)`; `tag 65000` where there is no name.
pub(super) fn label(tag: u16) -> String {
    match name(tag) {
        Some(n) => format!("{n} ({tag})"),
        None => format!("tag {tag}"),
    }
}

/// In ascending order.
#[rustfmt::skip]
const NAMES: &[(u16, &str)] = &[
    (254, "NewSubfileType"), (255, "SubfileType"), (256, "ImageWidth"), (257, "ImageLength"),
    (258, "BitsPerSample"), (259, "Compression"), (262, "PhotometricInterpretation"), (266, "FillOrder"),
    (270, "ImageDescription"), (271, "Make"), (272, "Model"), (273, "StripOffsets"), (274, "Orientation"),
    (277, "SamplesPerPixel"), (278, "RowsPerStrip"), (279, "StripByteCounts"), (282, "XResolution"),
    (283, "YResolution"), (284, "PlanarConfiguration"), (296, "ResolutionUnit"), (305, "Software"),
    (306, "DateTime"), (315, "Artist"), (316, "HostComputer"), (317, "Predictor"), (322, "TileWidth"),
    (323, "TileLength"), (324, "TileOffsets"), (325, "TileByteCounts"), (330, "SubIFDs"), (338, "ExtraSamples"),
    (339, "SampleFormat"), (347, "JPEGTables"), (513, "JPEGInterchangeFormat"),
    (514, "JPEGInterchangeFormatLength"), (529, "YCbCrCoefficients"), (530, "YCbCrSubSampling"),
    (531, "YCbCrPositioning"), (532, "ReferenceBlackWhite"), (700, "XMP"), (33421, "CFARepeatPatternDim"),
    (33422, "CFAPattern"), (33423, "BatteryLevel"), (33432, "Copyright"), (33434, "ExposureTime"),
    (33437, "FNumber"), (33723, "IPTC"), (34665, "ExifIFD"), (34675, "InterColorProfile"),
    (34850, "ExposureProgram"), (34853, "GPSInfo"), (34855, "ISOSpeedRatings"), (34857, "Interlace"),
    (34858, "TimeZoneOffset"), (34864, "SensitivityType"), (34865, "StandardOutputSensitivity"),
    (34866, "RecommendedExposureIndex"), (34867, "ISOSpeed"), (36864, "ExifVersion"),
    (36867, "DateTimeOriginal"), (36868, "DateTimeDigitized"), (36880, "OffsetTime"),
    (36881, "OffsetTimeOriginal"), (36882, "OffsetTimeDigitized"), (37121, "ComponentsConfiguration"),
    (37377, "ShutterSpeedValue"), (37378, "ApertureValue"), (37379, "BrightnessValue"),
    (37380, "ExposureBiasValue"), (37381, "MaxApertureValue"), (37382, "SubjectDistance"),
    (37383, "MeteringMode"), (37384, "LightSource"), (37385, "Flash"), (37386, "FocalLength"),
    (37393, "ImageNumber"), (37398, "TIFF-EPStandardID"), (37399, "SensingMethod"), (37500, "MakerNote"),
    (37510, "UserComment"), (37520, "SubSecTime"), (37521, "SubSecTimeOriginal"), (37522, "SubSecTimeDigitized"),
    (40960, "FlashpixVersion"), (40961, "ColorSpace"), (40962, "PixelXDimension"), (40963, "PixelYDimension"),
    (40965, "InteroperabilityIFD"), (41486, "FocalPlaneXResolution"), (41487, "FocalPlaneYResolution"),
    (41488, "FocalPlaneResolutionUnit"), (41495, "SensingMethod"), (41728, "FileSource"), (41729, "SceneType"),
    (41730, "CFAPattern"), (41985, "CustomRendered"), (41986, "ExposureMode"), (41987, "WhiteBalance"),
    (41988, "DigitalZoomRatio"), (41989, "FocalLengthIn35mmFilm"), (41990, "SceneCaptureType"),
    (41991, "GainControl"), (41992, "Contrast"), (41993, "Saturation"), (41994, "Sharpness"),
    (41996, "SubjectDistanceRange"), (42032, "CameraOwnerName"), (42033, "BodySerialNumber"),
    (42034, "LensSpecification"), (42035, "LensMake"), (42036, "LensModel"), (42037, "LensSerialNumber"),
    (50706, "DNGVersion"), (50707, "DNGBackwardVersion"), (50708, "UniqueCameraModel"),
    (50709, "LocalizedCameraModel"), (50710, "CFAPlaneColor"), (50711, "CFALayout"), (50712, "LinearizationTable"),
    (50713, "BlackLevelRepeatDim"), (50714, "BlackLevel"), (50715, "BlackLevelDeltaH"),
    (50716, "BlackLevelDeltaV"), (50717, "WhiteLevel"), (50718, "DefaultScale"), (50719, "DefaultCropOrigin"),
    (50720, "DefaultCropSize"), (50721, "ColorMatrix1"), (50722, "ColorMatrix2"), (50723, "CameraCalibration1"),
    (50724, "CameraCalibration2"), (50725, "ReductionMatrix1"), (50726, "ReductionMatrix2"),
    (50727, "AnalogBalance"), (50728, "AsShotNeutral"), (50729, "AsShotWhiteXY"), (50730, "BaselineExposure"),
    (50731, "BaselineNoise"), (50732, "BaselineSharpness"), (50733, "BayerGreenSplit"),
    (50734, "LinearResponseLimit"), (50735, "CameraSerialNumber"), (50736, "LensInfo"),
    (50737, "ChromaBlurRadius"), (50738, "AntiAliasStrength"), (50739, "ShadowScale"), (50740, "DNGPrivateData"),
    (50741, "MakerNoteSafety"), (50778, "CalibrationIlluminant1"), (50779, "CalibrationIlluminant2"),
    (50780, "BestQualityScale"), (50781, "RawDataUniqueID"), (50827, "OriginalRawFileName"),
    (50828, "OriginalRawFileData"), (50829, "ActiveArea"), (50830, "MaskedAreas"), (50831, "AsShotICCProfile"),
    (50832, "AsShotPreProfileMatrix"), (50833, "CurrentICCProfile"), (50834, "CurrentPreProfileMatrix"),
    (50879, "ColorimetricReference"), (50931, "CameraCalibrationSignature"), (50932, "ProfileCalibrationSignature"),
    (50933, "ExtraCameraProfiles"), (50934, "AsShotProfileName"), (50935, "NoiseReductionApplied"),
    (50936, "ProfileName"), (50937, "ProfileHueSatMapDims"), (50938, "ProfileHueSatMapData1"),
    (50939, "ProfileHueSatMapData2"), (50940, "ProfileToneCurve"), (50941, "ProfileEmbedPolicy"),
    (50942, "ProfileCopyright"), (50964, "ForwardMatrix1"), (50965, "ForwardMatrix2"),
    (50966, "PreviewApplicationName"), (50967, "PreviewApplicationVersion"), (50968, "PreviewSettingsName"),
    (50969, "PreviewSettingsDigest"), (50970, "PreviewColorSpace"), (50971, "PreviewDateTime"),
    (50972, "RawImageDigest"), (50973, "OriginalRawFileDigest"), (50974, "SubTileBlockSize"),
    (50975, "RowInterleaveFactor"), (50981, "ProfileLookTableDims"), (50982, "ProfileLookTableData"),
    (51008, "OpcodeList1"), (51009, "OpcodeList2"), (51022, "OpcodeList3"), (51041, "NoiseProfile"),
    (51043, "TimeCodes"), (51044, "FrameRate"), (51058, "TStop"), (51081, "ReelName"),
    (51089, "OriginalDefaultFinalSize"), (51090, "OriginalBestQualityFinalSize"),
    (51091, "OriginalDefaultCropSize"), (51105, "CameraLabel"), (51107, "ProfileHueSatMapEncoding"),
    (51108, "ProfileLookTableEncoding"), (51109, "BaselineExposureOffset"), (51110, "DefaultBlackRender"),
    (51111, "NewRawImageDigest"), (51112, "RawToPreviewGain"), (51125, "DefaultUserCrop"),
    (51177, "DepthFormat"), (51178, "DepthNear"), (51179, "DepthFar"), (51180, "DepthUnits"),
    (51181, "DepthMeasureType"), (51182, "EnhanceParams"), (52525, "ProfileGainTableMap"), (52526, "SemanticName"),
    (52528, "SemanticInstanceID"), (52529, "CalibrationIlluminant3"), (52530, "CameraCalibration3"),
    (52531, "ColorMatrix3"), (52532, "ForwardMatrix3"), (52533, "IlluminantData1"), (52534, "IlluminantData2"),
    (52535, "IlluminantData3"), (52536, "MaskSubArea"), (52537, "ProfileHueSatMapData3"),
    (52538, "ReductionMatrix3"), (52543, "RGBTables"), (52544, "ProfileGainTableMap2"),
    (52547, "ColumnInterleaveFactor"), (52548, "ImageSequenceInfo"), (52550, "ImageStats"),
    (52551, "ProfileDynamicRange"), (52552, "ProfileGroupName"), (52553, "JXLDistance"), (52554, "JXLEffort"),
    (52555, "JXLDecodeSpeed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_so_that_it_can_be_searched() {
        assert!(NAMES.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(label(51081), "ReelName (51081)");
        assert_eq!(label(65000), "tag 65000");
    }
}
