using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SparseInfer.Kernels.Cpu;

namespace SparseInfer.Cli.Bench.Probes;

/// <summary>
/// How fast a group of threads reads memory: each reads its part of a buffer far larger than any cache, with the widest vectors. What decoding
/// a token can at best approach.
/// </summary>
/// <remarks>
/// Once from end to end, and once in four streams that lie side by side, as kernels read four rows: the better counts. (Streams that
/// begin a power of two apart, as the quarters of a buffer do, collide in caches and memory banks, and read at half the speed.)
/// </remarks>
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

    /// <summary>Reads the buffer once in either way.</summary>
    /// <returns>10^9 bytes a second.</returns>
    public double Measure(WorkerGroup workers) => Math.Max(Measure(workers, streams: 1), Measure(workers, streams: 4));

    private double Measure(WorkerGroup workers, int streams)
    {
        var pass = new Pass(_buffer, workers.Count, streams);
        long start = Stopwatch.GetTimestamp();
        workers.Run(pass);
        double rate = _buffer.Bytes / Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        return pass.Sum != 0 ? rate : throw new InvalidOperationException("Nothing was read.");
    }

    public void Dispose() => _buffer.Dispose();

    private sealed unsafe class Pass(NativeBuffer buffer, int workers, int streams) : IWorkerJob
    {
        /// <summary>Bytes of a stream before it jumps over the others': a row of weights.</summary>
        private const long Row = 8192;

        private const int Line = 64;

        private long _sum;

        public long Sum => Volatile.Read(ref _sum);

        public void Execute(int worker)
        {
            long part = buffer.Bytes / workers / (4 * Row) * (4 * Row);
            byte* first = (byte*)buffer.Address + (worker * part);
            Interlocked.Add(ref _sum, streams == 1 ? ReadStraight(first, part) : ReadRows(first, part));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static long ReadStraight(byte* first, long bytes)
        {
            Vector512<long> s0 = default, s1 = default;
            for (long i = 0; i < bytes; i += 2 * Line)
            {
                s0 += Vector512.Load((long*)(first + i));
                s1 += Vector512.Load((long*)(first + i + Line));
            }

            return Vector512.Sum(s0 + s1) + 1;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static long ReadRows(byte* first, long bytes)
        {
            Vector512<long> s0 = default, s1 = default, s2 = default, s3 = default;
            for (byte* rows = first; rows < first + bytes; rows += 4 * Row)
            {
                for (byte* line = rows; line < rows + Row; line += Line)
                {
                    s0 += Vector512.Load((long*)line);
                    s1 += Vector512.Load((long*)(line + Row));
                    s2 += Vector512.Load((long*)(line + (2 * Row)));
                    s3 += Vector512.Load((long*)(line + (3 * Row)));
                }
            }

            return Vector512.Sum(s0 + s1 + s2 + s3) + 1;
        }
    }
}
