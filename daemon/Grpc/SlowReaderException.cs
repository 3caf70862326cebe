using System.Globalization;

namespace UsbHostd.Daemon.Grpc;

/// <summary>A caller has asked for much and takes nothing of it. No status would reach it either: its call is reset.</summary>
internal sealed class SlowReaderException(TimeSpan patience)
    : Exception($"nothing was taken for {patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
