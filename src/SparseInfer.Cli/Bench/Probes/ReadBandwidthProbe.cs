using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Bench.Probes;

/// <summary>
/// How fast a group of threads reads memory: each reads its part of a buffer far larger than any cache, with the widest vectors, in
/// several streams. What decoding a token can at best approach.
/// </summary>
internal sealed class ReadBandwidthProbe : IDisposable
{
    /// <summary>Larger than the caches of any processor.</summary>
    public const long DefaultBytes = 1L << 30;

    private readonly NativeBuffer _buffer;

    /// <summary>Allocates the buffer.</summary>
    /// <param name="bytes">Its size; what is read is in a cache where it is small.</param>
    public ReadBandwidthProbe(long bytes = DefaultBytes)
    {
        _buffer = NativeBuffer.Allocate(bytes);

        // Untouched pages are all the same page of zeros, which is in the cache.
        _buffer.AsSpan<long>().Fill(1);
    }

    /// <summary>Reads the buffer once.</summary>
    /// <returns>10^9 bytes a second.</returns>
    public double Measure(WorkerGroup workers)
    {
        var pass = new Pass(_buffer, workers.Count);
        long start = Stopwatch.GetTimestamp();
        workers.Run(pass);
        double rate = _buffer.Bytes / Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return pass.Sum != 0 ? rate : throw new InvalidOperationException("Nothing was read.");
    }

    public void Dispose() => _buffer.Dispose();

    private sealed unsafe class Pass(NativeBuffer buffer, int workers) : IWorkerJob
    {
        private const int Streams = 4;
        private const int Line = 64;

        private long _sum;

        public long Sum => Volatile.Read(ref _sum);

        public void Execute(int worker)
        {
            long part = buffer.Bytes / workers / (Streams * Line * 2) * (Streams * Line * 2);
            Interlocked.Add(ref _sum, Read((byte*)buffer.Address + (worker * part), part / Streams));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static long Read(byte* first, long bytes)
        {
            byte* a = first;
            byte* b = a + bytes;
            byte* c = b + bytes;
            byte* d = c + bytes;
            Vector512<long> s0 = default, s1 = default, s2 = default, s3 = default;
            for (long i = 0; i < bytes; i += 2 * Line)
            {
                s0 += Vector512.Load((long*)(a + i)) ^ Vector512.Load((long*)(a + i + Line));
                s1 += Vector512.Load((long*)(b + i)) ^ Vector512.Load((long*)(b + i + Line));
                s2 += Vector512.Load((long*)(c + i)) ^ Vector512.Load((long*)(c + i + Line));
                s3 += Vector512.Load((long*)(d + i)) ^ Vector512.Load((long*)(d + i + Line));
            }

            return Vector512.Sum(s0 + s1 + s2 + s3) + 1;
        }
    }
}
