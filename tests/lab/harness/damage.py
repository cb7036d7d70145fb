"""Hurts a card's file system, in its unplugged image, in the ways that cards in the field are hurt."""

import struct

from .errors import LabError

END_OF_CHAIN = 0x0FFFFFFF


def break_exfat_name_hash(path, name):
    """readdir still lists `name`, and no lookup finds it: the hash that lookups compare has a wrong bit."""
    image = bytearray(path.read_bytes())
    # A directory entry of type C1 holds the name's first 15 characters; the one before it, of type C0, the hash.
    at = found(image, b"\xc1\x00" + name.encode("utf-16-le")[:30])
    stream = at - 32
    if image[stream] != 0xC0:
        raise LabError(f"{name} has no stream entry before its name")
    image[stream + 4] ^= 1
    path.write_bytes(image)


def rename_short(path, old, new):
    """Gives an 8.3 entry of FAT another's name: two entries of one name, and only the first can be reached."""
    image = bytearray(path.read_bytes())
    at = found(image, old)
    image[at : at + 11] = new
    path.write_bytes(image)


def end_folder_after_first_cluster(path, short_name):
    """What a FAT32 folder holds beyond its first cluster is on the card, in use, and in no folder any more."""
    image = bytearray(path.read_bytes())
    sector, = struct.unpack_from("<H", image, 11)
    reserved, = struct.unpack_from("<H", image, 14)
    tables = image[16]
    table_sectors, = struct.unpack_from("<I", image, 36)
    at = found(image, short_name.ljust(11) + b"\x10")
    high, = struct.unpack_from("<H", image, at + 20)
    low, = struct.unpack_from("<H", image, at + 26)
    cluster = high << 16 | low
    for table in range(tables):
        entry = (reserved + table * table_sectors) * sector + 4 * cluster
        struct.pack_into("<I", image, entry, END_OF_CHAIN)
    path.write_bytes(image)


def forget_exfat_entry(path, name):
    """Takes a file out of its folder and leaves its clusters in use."""
    image = bytearray(path.read_bytes())
    stream = found(image, b"\xc1\x00" + name.encode("utf-16-le")[:30]) - 32
    first = stream - 32
    if image[first] != 0x85:
        raise LabError(f"{name} has no file entry before its name")
    # The highest bit says that an entry is in use.
    for at in range(first, first + 32 * (2 + image[first + 1] - 1), 32):
        image[at] &= 0x7F
    path.write_bytes(image)


def found(image, sign):
    at = image.find(sign)
    if at < 0:
        raise LabError(f"{sign!r} is not on the card")
    return at
