using SparseInfer.SoftwareCuda.Counting;
using SparseInfer.SoftwareCuda.Execution;
using SparseInfer.SoftwareCuda.Memory;
using SparseInfer.SoftwareCuda.Ptx;

namespace SparseInfer.SoftwareCuda.Tests.Ptx;

/// <summary>Hand-written PTX on the engine, without a driver.</summary>
internal sealed unsafe class Machine : IDisposable
{
    public const int FirstLine = 8;

    public DeviceMemory Memory { get; } = new();

    /// <summary>A kernel T with two pointers, loaded into %rd1 and %rd2; the body's first line is <see cref="FirstLine"/>.</summary>
    public static string Text(string body) =>
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry Kernel_T(.param .b64 _a_1, .param .b64 _b_2)\n"
        + "{ .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<40>; .reg .b64 %rd<40>; .reg .f32 %f<9>; .reg .f64 %d<9>; .shared .align 8 .b8 s[256];\n"
        + "ld.param.b64 %rd1, [_a_1];\nld.param.b64 %rd2, [_b_2]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd3, %r1, 4; add.u64 %rd4, %rd1, %rd3; add.u64 %rd5, %rd2, %rd3;\n"
        + body + "\nret; }\n";

    public nint Buffer(params uint[] values)
    {
        nint address = Memory.Allocate(values.Length * 4);
        values.CopyTo(new Span<uint>((void*)address, values.Length));
        Memory.Written(address, values.Length * 4);
        return address;
    }

    public LaunchCounters? Run(string body, nint a, nint b, int threads = 32, int groups = 1, LaunchOptions? options = null)
    {
        PtxFunction function = PtxModule.Load(Text(body)).Find("Kernel_T")!;
        byte[] parameters = [.. BitConverter.GetBytes((long)a), .. BitConverter.GetBytes((long)b)];
        return new Launch(function, new Size3(groups, 1, 1), new Size3(threads, 1, 1), 0, parameters).Execute(Memory, options ?? new LaunchOptions { Parallelism = 2 });
    }

    public static uint[] Read(nint address, int count) => new ReadOnlySpan<uint>((void*)address, count).ToArray();

    public void Dispose() => Memory.Dispose();
}
