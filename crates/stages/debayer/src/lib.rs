//! Debayer: superpixel, bilinear, Malvar-He-Cutler and RCD.
