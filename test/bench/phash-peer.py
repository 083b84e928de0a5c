"""The peer of test/bench/phash.ts: what someone writes without pixelreduce.

Hashes every picture of a folder with two processes and writes a line for each: `phash-peer.py MODE FOLDER OUTPUT`.
MODE is exact, ImageHash as it is; draft, the same with Pillow's draft mode; opencv, the hash's method over OpenCV's
decoding of grey at an eighth.
"""
import os
import sys
from multiprocessing import Pool

PROCESSES = 2
MODES = ('exact', 'draft', 'opencv')


def with_pillow(path, is_draft):
    import imagehash
    from PIL import Image

    with Image.open(path) as picture:
        if is_draft:
            picture.draft('L', (32, 32))
        return str(imagehash.phash(picture))


def with_opencv(path):
    import cv2
    import numpy

    cv2.setNumThreads(1)
    grey = cv2.imread(path, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(numpy.float64))[:8, :8]
    bits = ''.join('1' if bit else '0' for bit in (low > numpy.median(low)).flatten())
    return '%016x' % int(bits, 2)


def hash_of(task):
    mode, path = task
    return path, with_opencv(path) if mode == 'opencv' else with_pillow(path, mode == 'draft')


if __name__ == '__main__':
    mode, folder, output = sys.argv[1:]
    paths = sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
    with Pool(PROCESSES) as pool, open(output, 'w') as lines:
        for path, bits in pool.imap(hash_of, [(mode, path) for path in paths], chunksize=8):
            lines.write('%s\t%s\n' % (os.path.relpath(path, folder), bits))
