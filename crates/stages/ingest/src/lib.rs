//! Ingest: walks cards, groups clips, recognises and reads camera files.
