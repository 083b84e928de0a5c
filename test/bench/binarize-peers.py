"""The peers of test/bench/binarize.ts.

threshold FILE WIDTH HEIGHT WINDOW...   seconds of thresholds of grey pixels in a file, as JSON, one thread
pillow|opencv INPUT OUTPUT              a folder of photographs to black and white PNGs, two processes
"""

import json
import os
import sys
import time
from multiprocessing import Pool


def best(work, rounds=7):
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def thresholds(file, width, height, windows):
    import cv2
    import numpy
    from skimage.filters import threshold_sauvola

    cv2.setNumThreads(1)
    grey = numpy.fromfile(file, numpy.uint8).reshape(height, width)
    mask = numpy.empty_like(grey)
    otsu = best(lambda: cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU, dst=mask), 100)
    sauvola = {window: best(lambda: threshold_sauvola(grey, window_size=window, k=0.2)) for window in windows}
    print(json.dumps({"otsu": otsu, "sauvola": sauvola}))


def pillow(file, made):
    from PIL import Image

    grey = Image.open(file).convert("L")
    histogram = grey.histogram()
    pixels = sum(histogram)
    total = sum(level * count for level, count in enumerate(histogram))
    below = below_sum = largest = threshold = 0
    for level, count in enumerate(histogram):
        below += count
        below_sum += level * count
        if below in (0, pixels):
            continue
        variance = (total * below / pixels - below_sum) ** 2 / (below * (pixels - below))
        if variance > largest:
            largest, threshold = variance, level
    grey.point([255 * (level > threshold) for level in range(256)], "1").save(made)


def opencv(file, made):
    import cv2

    cv2.setNumThreads(1)
    grey = cv2.imread(file, cv2.IMREAD_GRAYSCALE)
    _, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    cv2.imwrite(made, mask, [cv2.IMWRITE_PNG_BILEVEL, 1])


def folder(work, source, target):
    os.makedirs(target)
    files = [os.path.join(place, name) for place, _, names in os.walk(source) for name in names]
    made = [os.path.join(target, f"{index}.png") for index in range(len(files))]
    with Pool(2) as pool:
        pool.starmap(work, zip(files, made), chunksize=8)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "threshold":
        thresholds(rest[0], int(rest[1]), int(rest[2]), [int(window) for window in rest[3:]])
    else:
        folder({"pillow": pillow, "opencv": opencv}[what], *rest)
