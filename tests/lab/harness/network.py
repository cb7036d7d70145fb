"""The network lab."""


class NetworkLab:
    pass
