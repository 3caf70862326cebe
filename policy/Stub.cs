namespace UsbHostd.Policy; internal static class Stub;
