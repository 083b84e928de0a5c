"""Thumbnails of all files of a folder into another, by Pillow's draft mode or OpenCV's reduced decoding, with two
processes: the peers of test/bench/thumbnail.ts. Needs Pillow or opencv-python-headless.

python thumbnail-peers.py pillow|opencv INPUT OUTPUT
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor

SIZE = 256
QUALITY = 80


def by_pillow(job):
    from PIL import Image, ImageOps

    source, target = job
    with Image.open(source) as image:
        image.draft("RGB", (SIZE, SIZE))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail((SIZE, SIZE))
        upright.save(target, "JPEG", quality=QUALITY)


def by_opencv(job):
    import cv2

    cv2.setNumThreads(1)
    source, target = job
    # A quarter: the smallest that is not below the size of a photograph of 1920x1080.
    image = cv2.imread(source, cv2.IMREAD_REDUCED_COLOR_4)
    height, width = image.shape[:2]
    scale = min(1, SIZE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(target, small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    library, folder, output = sys.argv[1:]
    work = {"pillow": by_pillow, "opencv": by_opencv}[library]
    os.makedirs(output)
    jobs = []
    for parent, _, names in os.walk(folder):
        for name in names:
            source = os.path.join(parent, name)
            jobs.append((source, os.path.join(output, os.path.relpath(source, folder).replace("/", "_"))))
    with ProcessPoolExecutor(2) as pool:
        for _ in pool.map(work, jobs, chunksize=8):
            pass
