using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using SparseInfer.SoftwareCuda.Driver.Calls;
using SparseInfer.SoftwareCuda.Driver.Library;

namespace SparseInfer.SoftwareCuda.Tests.Driver;

/// <summary>The library file: what is in it by the format's rules, and that the system's loader takes it.</summary>
public unsafe class SharedObjectTests
{
    private static readonly string[] Names = ["first", "second", "a_third_with_a_longer_name"];

    [Theory]
    [InlineData(Architecture.X64, 62)]
    [InlineData(Architecture.Arm64, 183)]
    public void Header_names_the_processor(Architecture processor, int machine)
    {
        byte[] image = SharedObject.Write(Names, processor);

        image[..6].ShouldBe([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1]);
        Int16(image, 16).ShouldBe(3);
        Int16(image, 18).ShouldBe(machine);
    }

    [Theory]
    [InlineData(Architecture.X64)]
    [InlineData(Architecture.Arm64)]
    public void Segments_are_never_writable_and_executable_and_share_no_page(Architecture processor)
    {
        byte[] image = SharedObject.Write([.. Enumerable.Range(0, 3000).Select(index => $"function_{index}")], processor);
        Segment[] segments = Segments(image);
        Segment[] loaded = [.. segments.Where(segment => segment.Type == 1)];

        loaded.Select(segment => segment.Flags).ShouldBe([5, 6]);
        foreach (Segment segment in loaded)
        {
            segment.Alignment.ShouldBe(0x1_0000);
            (segment.Address % segment.Alignment).ShouldBe(segment.Offset % segment.Alignment);
            (segment.Offset + segment.Bytes).ShouldBeLessThanOrEqualTo(image.Length);
        }

        ((loaded[0].Address + loaded[0].Bytes - 1) / 0x1_0000).ShouldBeLessThan(loaded[1].Address / 0x1_0000);
        segments.ShouldContain(segment => segment.Type == 0x6474E551 && segment.Flags == 6); // the stack is not executable
    }

    [Theory]
    [InlineData(Architecture.X64)]
    [InlineData(Architecture.Arm64)]
    public void Each_symbol_is_found_by_its_hash_and_its_stub_leads_to_its_place_in_the_table(Architecture processor)
    {
        string[] names = [.. EntryPoints.All.Select(function => function.Name)];
        byte[] image = SharedObject.Write(names, processor);
        var dynamic = Dynamic(image);
        long table = Find(image, dynamic, SharedObject.TableName)!.Value;

        Find(image, dynamic, "cuNothing").ShouldBeNull();
        Text(image, (int)(dynamic[5] + dynamic[14])).ShouldStartWith("libsparseinfer");
        for (int index = 0; index < names.Length; index++)
        {
            long stub = Find(image, dynamic, names[index])!.Value;
            long slot = processor == Architecture.X64 ? SlotOfX64(image, (int)stub) : SlotOfArm64(image, (int)stub);
            slot.ShouldBe(table + (index * 8), names[index]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [SupportedOSPlatform("linux")]
    public void Loaded_library_calls_what_its_table_has(bool fromMemory)
    {
        byte[] image = SharedObject.Write(Names, RuntimeInformation.ProcessArchitecture);
        string folder = Directory.CreateTempSubdirectory().FullName;
        nint library = WithTemporaryFolder(folder, () => fromMemory ? DriverLibrary.LoadFromMemory(image) : DriverLibrary.LoadFromFile(image));
        Directory.Delete(folder); // empty

        library.ShouldNotBe(0);
        var table = (nint*)NativeLibrary.GetExport(library, SharedObject.TableName);
        table[1] = (nint)(delegate* unmanaged<int, int, int>)&Subtract;
        ((delegate* unmanaged<int, int, int>)NativeLibrary.GetExport(library, "second"))(50, 8).ShouldBe(42);
        NativeLibrary.TryGetExport(library, "fourth", out _).ShouldBeFalse();
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void File_that_is_no_library_is_refused_in_one_line_and_gone()
    {
        int open = OpenMemoryFiles();
        DriverLibrary.LoadFromMemory([1, 2, 3]).ShouldBe(0);
        OpenMemoryFiles().ShouldBe(open);
        string folder = Directory.CreateTempSubdirectory().FullName;
        string message = WithTemporaryFolder(folder, () => Should.Throw<IOException>(() => DriverLibrary.LoadFromFile([1, 2, 3])).Message);
        message.ShouldStartWith(folder);
        message.ShouldNotContain("\n");
        Directory.Delete(folder); // empty
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Folder_that_takes_no_file_is_named() => WithTemporaryFolder(
        "/nowhere/at/all", () => Should.Throw<IOException>(() => DriverLibrary.LoadFromFile([1, 2, 3])).Message).ShouldContain("/nowhere/at/all");

    [Fact]
    public void Driver_exports_all_that_ilgpu_binds()
    {
        string[] bound = [.. typeof(ILGPU.Runtime.Cuda.CudaAPI).Assembly.GetTypes()
            .Where(type => type.Name.StartsWith("CudaAPI_", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods((System.Reflection.BindingFlags)~0))
            .Where(method => method.Name.EndsWith("_Import", StringComparison.Ordinal))
            .Select(method => method.Name[..^"_Import".Length])
            .Distinct()];

        bound.Length.ShouldBeGreaterThan(40);
        bound.Except(EntryPoints.All.Select(function => function.Name)).ShouldBeEmpty();
    }

    [UnmanagedCallersOnly]
    private static int Subtract(int x, int y) => x - y;

    private static T WithTemporaryFolder<T>(string folder, Func<T> run)
    {
        string? before = Environment.GetEnvironmentVariable("TMPDIR");
        Environment.SetEnvironmentVariable("TMPDIR", folder);
        try
        {
            return run();
        }
        finally
        {
            Environment.SetEnvironmentVariable("TMPDIR", before);
        }
    }

    private static int OpenMemoryFiles() => Directory.GetFiles("/proc/self/fd")
        .Count(path => new FileInfo(path).LinkTarget?.Contains("sparseinfer-cuda-software", StringComparison.Ordinal) == true);

    private static long SlotOfX64(byte[] image, int stub)
    {
        image[stub..(stub + 6)].ShouldBe([0xF3, 0x0F, 0x1E, 0xFA, 0xFF, 0x25]);
        return stub + 10 + Int32(image, stub + 6);
    }

    private static long SlotOfArm64(byte[] image, int stub)
    {
        uint page = (uint)Int32(image, stub + 4);
        uint load = (uint)Int32(image, stub + 8);
        (page & 0x9F00001F).ShouldBe(0x90000010); // adrp x16
        (load & 0xFFC003FF).ShouldBe(0xF9400210); // ldr x16, [x16, #...]
        ((uint)Int32(image, stub + 12)).ShouldBe(0xD61F0200); // br x16
        long pages = ((page >> 29) & 3) | (((page >> 5) & 0x7FFFF) << 2);
        return ((stub + 4) & ~0xFFF) + (pages << 12) + (((load >> 10) & 0xFFF) * 8);
    }

    /// <summary>A symbol's value, looked up by its hash as the loader does.</summary>
    private static long? Find(byte[] image, Dictionary<long, long> dynamic, string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xF000_0000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        int table = (int)dynamic[4];
        int buckets = Int32(image, table);
        for (int symbol = Int32(image, table + 8 + (int)(hash % buckets * 4)); symbol != 0; symbol = Int32(image, table + 8 + ((buckets + symbol) * 4)))
        {
            int at = (int)dynamic[6] + (symbol * 24);
            if (Text(image, (int)dynamic[5] + Int32(image, at)) == name)
            {
                (image[at + 4] >> 4).ShouldBe(1); // global
                Int16(image, at + 6).ShouldNotBe(0); // defined
                return Int64(image, at + 8);
            }
        }

        return null;
    }

    private static Dictionary<long, long> Dynamic(byte[] image)
    {
        Segment segment = Segments(image).Single(segment => segment.Type == 2);
        var entries = new Dictionary<long, long>();
        for (int at = (int)segment.Offset; Int64(image, at) != 0; at += 16)
        {
            entries.Add(Int64(image, at), Int64(image, at + 8));
        }

        return entries;
    }

    private static Segment[] Segments(byte[] image) => [.. Enumerable.Range(0, Int16(image, 56)).Select(index =>
    {
        int at = (int)Int64(image, 32) + (index * Int16(image, 54));
        return new Segment(
            Int32(image, at), Int32(image, at + 4), Int64(image, at + 8), Int64(image, at + 16), Int64(image, at + 32), Int64(image, at + 48));
    })];

    private static string Text(byte[] image, int at) => Encoding.ASCII.GetString(image.AsSpan(at, image.AsSpan(at).IndexOf((byte)0)));

    private static int Int16(byte[] image, int at) => BinaryPrimitives.ReadInt16LittleEndian(image.AsSpan(at));

    private static int Int32(byte[] image, int at) => BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(at));

    private static long Int64(byte[] image, int at) => BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(at));

    private readonly record struct Segment(int Type, int Flags, long Offset, long Address, long Bytes, long Alignment);
}
