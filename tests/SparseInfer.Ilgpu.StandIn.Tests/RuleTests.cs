namespace SparseInfer.Ilgpu.StandIn.Tests;

/// <summary>Kernels that cannot be rewritten, or that ILGPU would not compile, are refused when they are loaded.</summary>
public sealed class RuleTests : IDisposable
{
    private static readonly int[] Table = [1, 2, 3];

    private static int _counter;

    private readonly Bench _bench = new();

    public static TheoryData<Action<ArrayView<int>>, string> Broken => new()
    {
        { ShuffleInFunction, "Warp.ShuffleXor stands in a device function" },
        { BarrierInFunction, "Group.Barrier stands in a device function" },
        { SharedInFunction, "shared memory is allocated in a device function" },
        { KeptAddress, "the address of a view's element is kept or passed on" },
        { PassedAddress, "the address of a view's element is kept or passed on" },
        { ReferenceAcross, "is kept across it" },
        { AddressBelowShuffle, "make Warp.ShuffleXor a statement of its own" },
        { Recursive, "calls itself" },
        { TryBlock, "has a try block" },
        { Throws, "an object of type InvalidOperationException is created" },
        { Allocates, "newarr does not compile for a device" },
        { ReadsArray, "is not a read-only value" },
        { WritesStatic, "a static field is written" },
        { Fused, "write a * b + c" },
        { SystemHalf, "use ILGPU.Half" },
        { SoftwareBits, "use IntrinsicMath" },
        { HalfShuffle, "ptxas refuses" },
        { WideShuffle, "the stand-in exchanges 8 at most" },
        { Exponential, "ILGPU.Algorithms" },
    };

    [Theory]
    [MemberData(nameof(Broken), DisableDiscoveryEnumeration = true)]
    public void A_kernel_that_breaks_a_rule_is_refused_with_the_rule(Action<ArrayView<int>> kernel, string message)
    {
        var fault = Bench.Fault(() => _bench.Accelerator.LoadStreamKernel(kernel));
        fault.Kind.ShouldBe(KernelFaultKind.Rule);
        fault.Message.ShouldContain(message);
        fault.Message.ShouldStartWith($"Kernel {kernel.Method.Name}: ");
    }

    [Fact]
    public void Members_of_kernels_mean_nothing_on_the_host()
    {
        Should.Throw<InvalidOperationException>(() => Grid.IdxX);
        Should.Throw<InvalidOperationException>(() => Warp.ShuffleXor(1, 1));
        Should.Throw<InvalidOperationException>(() => SharedMemory.Allocate<int>(1));
        Should.Throw<InvalidOperationException>(Group.Barrier);
    }

    public void Dispose() => _bench.Dispose();

    private static void ShuffleInFunction(ArrayView<int> output) => output[Group.IdxX] = Exchange(Group.IdxX);

    private static int Exchange(int value) => Warp.ShuffleXor(value, 1);

    private static void BarrierInFunction(ArrayView<int> output)
    {
        Wait();
        output[Group.IdxX] = 1;
    }

    private static void Wait() => Group.Barrier();

    private static void SharedInFunction(ArrayView<int> output) => output[Group.IdxX] = Shared()[0];

    private static ArrayView<int> Shared() => SharedMemory.Allocate<int>(1);

    private static void KeptAddress(ArrayView<int> output)
    {
        ref int element = ref output[Group.IdxX];
        for (int i = 0; i < 3; i++)
            element += i;
    }

    private static void PassedAddress(ArrayView<int> output) => Set(ref output[Group.IdxX]);

    private static void Set(ref int element) => element = 1;

    private static void ReferenceAcross(ArrayView<int> output)
    {
        int value = 1;
        ref int reference = ref value;
        Group.Barrier();
        reference += 2;
        output[Group.IdxX] = value + reference;
    }

    private static void AddressBelowShuffle(ArrayView<int> output) => output[Group.IdxX] = Warp.ShuffleXor(Group.IdxX, 1);

    private static void Recursive(ArrayView<int> output) => output[Group.IdxX] = Down(Group.IdxX);

    private static int Down(int n) => n <= 0 ? 0 : 1 + Down(n - 1);

    private static void TryBlock(ArrayView<int> output)
    {
        try
        {
            output[Group.IdxX] = 1;
        }
        finally
        {
            output[Group.IdxX] = 2;
        }
    }

    private static void Throws(ArrayView<int> output)
    {
        if (output.Length == 0)
            throw new InvalidOperationException();
    }

    private static void Allocates(ArrayView<int> output)
    {
        var array = new int[4];
        array[0] = 1;
        output[Group.IdxX] = array[0];
    }

    private static void ReadsArray(ArrayView<int> output) => output[Group.IdxX] = Table[1];

    private static void WritesStatic(ArrayView<int> output) => _counter = output.IntLength;

    private static void Fused(ArrayView<int> output) => output[Group.IdxX] = (int)MathF.FusedMultiplyAdd(1f, 2f, 3f);

    private static void SystemHalf(ArrayView<int> output) => output[Group.IdxX] = (int)(float)(System.Half)1.5f;

    private static void SoftwareBits(ArrayView<int> output) => output[Group.IdxX] = System.Numerics.BitOperations.PopCount(5u);

    private static void HalfShuffle(ArrayView<int> output)
    {
        var half = Warp.ShuffleXor((Half)1f, 1);
        output[Group.IdxX] = (int)(float)half;
    }

    private static void WideShuffle(ArrayView<int> output)
    {
        var four = Warp.ShuffleXor(default(Four), 1);
        output[Group.IdxX] = (int)four.X;
    }

    private static void Exponential(ArrayView<int> output) => output[Group.IdxX] = (int)MathF.Exp(output.Length);
}
