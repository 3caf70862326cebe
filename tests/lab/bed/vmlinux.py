# SPDX-License-Identifier: Apache-2.0
"""vmlinux.py VMLINUZ OUT: unpacks a bzImage. QEMU's direct boot of an ELF kernel skips the in-guest unpacking, slow under TCG."""
import lzma
import sys

image = open(sys.argv[1], "rb").read()
start = image.find(b"\xfd7zXZ\x00")
if start < 0:
    sys.exit("no xz stream in the kernel image")
kernel = lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(image[start:])
if not kernel.startswith(b"\x7fELF"):
    sys.exit("what is packed in the kernel image is not ELF")
open(sys.argv[2], "wb").write(kernel)
