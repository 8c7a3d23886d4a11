namespace SparseInfer.Runtime.Tests.Text;

/// <summary>The data files beside the test assembly.</summary>
internal static class TestData
{
    public static string Path(params string[] parts) => System.IO.Path.Combine([AppContext.BaseDirectory, .. parts]);
}
