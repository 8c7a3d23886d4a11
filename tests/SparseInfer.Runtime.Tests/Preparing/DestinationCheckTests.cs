using SparseInfer.Preparing;

namespace SparseInfer.Tests.Preparing;

public sealed class DestinationCheckTests
{
    [Fact]
    public void Too_little_room_is_said_before_anything_is_written()
    {
        string path = Path.Combine(Path.GetTempPath(), "prepared.gguf");
        DestinationCheck.RequireSpace(path, bytes: 1);
        string message = Should.Throw<IOException>(() => DestinationCheck.RequireSpace(path, long.MaxValue)).Message;
        message.ShouldStartWith($"{path} will have 9,223,372,036,855 MB, but only ");
        message.ShouldEndWith("make room, or write elsewhere.");
    }
}
