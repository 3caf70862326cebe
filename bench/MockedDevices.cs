// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace UsbHostd.Bench;

/// <summary>Many devices in a test bed of umockdev's, with what udev notes of each: five controllers with one root hub.</summary>
internal sealed class MockedDevices : IDisposable
{
    private const int Buses = 5;
    private readonly Process holder;
    private readonly string description;

    private MockedDevices(Process holder, string description, string root)
    {
        this.holder = holder;
        this.description = description;
        Root = root;
    }

    /// <summary>The bed's folder, with sys and run below it; gone when this is.</summary>
    public string Root { get; }

    /// <exception cref="System.ComponentModel.Win32Exception">umockdev is not installed.</exception>
    public static MockedDevices Make(int count)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, Describe(count));
        var bed = Process.Start(new ProcessStartInfo("umockdev-run", ["--device", file, "--", "sh", "-c", "echo $UMOCKDEV_DIR; exec cat"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var root = bed.StandardOutput.ReadLine() ?? throw new IOException($"umockdev-run: {bed.StandardError.ReadToEnd()}");
        NoteAsUdevDoes(root, count);
        return new MockedDevices(bed, file, root);
    }

    /// <summary>Makes a program see the bed in place of /sys and /dev.</summary>
    public void Enter(IDictionary<string, string?> environment)
    {
        environment["UMOCKDEV_DIR"] = Root;
        environment["LD_PRELOAD"] = "libumockdev-preload.so.0";
    }

    public void Dispose()
    {
        using (holder)
        {
            holder.StandardInput.Close();
            holder.WaitForExit();
        }

        File.Delete(description);
    }

    private static string Describe(int count)
    {
        var text = new StringBuilder();
        var perBus = count / Buses;
        for (var bus = 1; bus <= Buses; bus++)
        {
            var root = $"/devices/pci0000:00/0000:00:{bus:x2}.0/usb{bus}";
            Describe(text, root, $"{bus}-0:1.0", bus, number: 1, "1d6b", 2, "09", "hub");
            for (var i = 1; i < perBus; i++)
            {
                Describe(text, $"{root}/{bus}-{i}", $"{bus}-{i}:1.0", bus, i + 1, "0951", 0x1600 + i, "08", "usb-storage");
            }
        }

        return text.ToString();
    }

    private static void Describe(StringBuilder to, string path, string usbInterface, int bus, int number, string vendor, int product, string usbClass, string driver)
    {
        var (minor, deviceClass) = (Minor(bus, number), usbClass == "09" ? "09" : "00");
        to.Append(CultureInfo.InvariantCulture, $"""
            P: {path}
            N: bus/usb/{bus:D3}/{number:D3}
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_device
            E: DEVNAME=/dev/bus/usb/{bus:D3}/{number:D3}
            E: BUSNUM={bus:D3}
            E: DEVNUM={number:D3}
            E: MAJOR=189
            E: MINOR={minor}
            A: idVendor={vendor}\n
            A: idProduct={product:x4}\n
            A: busnum={bus}\n
            A: devnum={number}\n
            A: dev=189:{minor}\n
            A: bcdDevice=0110\n
            A: version= 2.00\n
            A: speed=480\n
            A: serial=SN{bus}{number:D5}\n
            A: manufacturer=Kingston\n
            A: product=DataTraveler 3.0\n
            A: bDeviceClass={deviceClass}\n
            A: bDeviceSubClass=00\n
            A: bDeviceProtocol=00\n
            A: bConfigurationValue=1\n
            A: bNumConfigurations=1\n
            A: authorized=1\n
            H: descriptors={Descriptors(vendor, product, deviceClass, usbClass)}

            P: {path}/{usbInterface}
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_interface
            A: bInterfaceNumber=00\n
            A: bInterfaceClass={usbClass}\n
            A: bInterfaceSubClass=06\n
            A: bInterfaceProtocol=50\n
            A: authorized=1\n
            L: driver=../../../../../../bus/usb/drivers/{driver}


            """);
    }

    /// <summary>Device, configuration, one interface, bulk in and out, in hexadecimal.</summary>
    private static string Descriptors(string vendor, int product, string deviceClass, string usbClass) =>
        $"12010002{deviceClass}000040{vendor[2..]}{vendor[..2]}{product & 0xff:X2}{product >> 8:X2}100101020301"
        + $"09022000010100803209040000 02{usbClass}065000 07058102000200 07050202000200".Replace(" ", "", StringComparison.Ordinal);

    private static void NoteAsUdevDoes(string root, int count)
    {
        Directory.CreateDirectory($"{root}/run/udev/data");
        Directory.CreateDirectory($"{root}/proc/sys/kernel/random");
        Directory.CreateDirectory($"{root}/proc/1");
        File.WriteAllText($"{root}/proc/sys/kernel/random/boot_id", "6f1c2d7e-0d3a-4f57-9f0e-0f3d9c1f2ab4\n");
        File.WriteAllText($"{root}/proc/1/mountinfo", "");
        File.WriteAllText($"{root}/proc/swaps", "");
        for (var bus = 1; bus <= Buses; bus++)
        {
            for (var number = 1; number <= count / Buses; number++)
            {
                File.WriteAllText($"{root}/run/udev/data/c189:{Minor(bus, number)}", $"I:{number * 1000}\nE:ID_PATH=pci-0000:00:{bus:x2}.0-usb-0:{number}\nE:ID_BUS=usb\n");
            }
        }
    }

    private static int Minor(int bus, int number) => ((bus - 1) * 128) + number - 1;
}
