"""Arrays in, arrays out: detectors, alignment, backbones, the head."""

import os

# From 1.29 on onnxruntime tells Microsoft, from Linux too, which model runs how often. If it may
# it asks only while it is imported: `disable_telemetry_events` comes too late. deepface may import
# it, too, so this stands before everything that could.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
