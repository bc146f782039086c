#include "media/movie_bytes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "unit/apps/boxes.h"

namespace msquic_py::apps {
namespace {

using testing::box;
using testing::u32;

/// What a demultiplexer would be given, movie by movie.
struct Outcome {
  std::vector<std::string> movies;
  std::string damage;
};

Outcome read_all(MovieBytes& bytes, std::size_t at_once) {
  Outcome outcome;
  do {
    std::string& movie = outcome.movies.emplace_back();
    std::vector<std::uint8_t> buffer(at_once);
    while (const std::size_t size = bytes.read(buffer))
      movie.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  } while (bytes.next_movie());
  outcome.damage = bytes.damage();
  return outcome;
}

class MovieBytesTest : public ::testing::Test {
 protected:
  /// The same bytes as a file, and through a FIFO that brings `at_once` at a time.
  Outcome from_file(const std::string& content, std::size_t at_once = 1000) {
    const auto path = folder_ / "file";
    std::FILE* file = std::fopen(path.c_str(), "wb");
    std::fwrite(content.data(), 1, content.size(), file);
    std::fclose(file);
    auto opened = InputFile::open(path, false, interrupt_);
    EXPECT_TRUE(opened) << opened.error();
    auto bytes = MovieBytes::open(std::move(opened).value());
    EXPECT_TRUE(bytes) << bytes.error();
    return read_all(*bytes, at_once);
  }
  Outcome from_pipe(const std::string& content, std::size_t at_once = 1000) {
    const std::string path = "/dev/fd/" + std::to_string(ends_[0]);
    std::thread writer([this, content] {
      std::size_t done = 0;
      while (done < content.size()) done += static_cast<std::size_t>(::write(ends_[1], content.data() + done, 1));
      ::close(ends_[1]);
    });
    auto opened = InputFile::open(path, false, interrupt_);
    EXPECT_TRUE(opened) << opened.error();
    auto bytes = MovieBytes::open(std::move(opened).value());
    EXPECT_TRUE(bytes) << bytes.error();
    auto outcome = read_all(*bytes, at_once);
    writer.join();
    return outcome;
  }
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("movie_bytes_test." + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    ASSERT_EQ(::pipe(ends_), 0);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    ::close(ends_[0]);
  }

  Interrupt interrupt_;
  std::filesystem::path folder_;
  int ends_[2] = {-1, -1};
};

const std::string kMovie =
    box("ftyp", "isom") + box("moov", "what is in it") + box("moof", "one") + box("mdat", "data");

TEST_F(MovieBytesTest, AnythingElseIsGivenAsItIs) {
  const std::string content(5000, '\x47');
  EXPECT_EQ(from_file(content).movies, std::vector{content});
  EXPECT_EQ(from_pipe(content).movies, std::vector{content});
}

TEST_F(MovieBytesTest, ASecondMovieIsOneOfItsOwn) {
  const std::vector expected{kMovie, kMovie + box("moof", "two") + box("mdat", "more")};
  for (const std::size_t at_once : {1u, 7u, 1000u}) {
    const auto file = from_file(expected[0] + expected[1], at_once);
    EXPECT_EQ(file.movies, expected);
    EXPECT_EQ(file.damage, "");
  }
  const auto pipe = from_pipe(expected[0] + expected[1], 7);
  EXPECT_EQ(pipe.movies, expected);
  EXPECT_EQ(pipe.damage, "");
}

TEST_F(MovieBytesTest, AMoovAloneBeginsAMovieToo) {
  const std::string second = box("moov", "another") + box("moof", "x") + box("mdat", "y");
  EXPECT_EQ(from_file(kMovie + second).movies, (std::vector{kMovie, second}));
  EXPECT_EQ(from_pipe(kMovie + second).movies, (std::vector{kMovie, second}));
}

TEST_F(MovieBytesTest, WhatComesBeforeFtypBelongsToIt) {
  const std::string movie = box("free", "") + box("styp", "msdh") + kMovie;
  EXPECT_EQ(from_file(movie).movies, std::vector{movie});
  EXPECT_EQ(from_pipe(movie).movies, std::vector{movie});
}

TEST_F(MovieBytesTest, ABoxOfSizeZeroGoesToTheEnd) {
  const std::string movie = box("ftyp", "isom") + box("moov", "x") + u32(0) + "mdat" + std::string(3000, 'd');
  for (const auto& outcome : {from_file(movie), from_pipe(movie)}) {
    EXPECT_EQ(outcome.movies, std::vector{movie});
    EXPECT_EQ(outcome.damage, "");
  }
}

TEST_F(MovieBytesTest, ABoxThatIsCutIsDamage) {
  const std::string cut = kMovie.substr(0, kMovie.size() - 3);
  for (const auto& outcome : {from_file(cut), from_pipe(cut)}) {
    EXPECT_EQ(outcome.movies, std::vector{cut});
    EXPECT_EQ(outcome.damage, "it is cut: 3 bytes of its last box ('mdat') are missing");
  }
}

TEST_F(MovieBytesTest, AnImpossibleBoxEndsTheMovie) {
  const std::string damaged = kMovie + u32(4) + "moof" + "junk";
  for (const auto& outcome : {from_file(damaged), from_pipe(damaged)}) {
    EXPECT_EQ(outcome.movies, std::vector{kMovie});
    EXPECT_EQ(outcome.damage, "a box at byte " + std::to_string(kMovie.size()) + " is damaged");
  }
}

TEST_F(MovieBytesTest, KnowsWhereMediaDataAre) {
  const auto path = folder_ / "file";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  std::fwrite(kMovie.data(), 1, kMovie.size(), file);
  std::fclose(file);
  auto opened = InputFile::open(path, false, interrupt_);
  ASSERT_TRUE(opened);
  auto bytes = MovieBytes::open(std::move(opened).value());
  ASSERT_TRUE(bytes);
  const std::uint64_t begin = kMovie.size() - 4;
  EXPECT_TRUE(bytes->inside_media_data(begin, 4));
  EXPECT_FALSE(bytes->inside_media_data(begin, 5));
  EXPECT_FALSE(bytes->inside_media_data(begin - 1, 4));
}

TEST_F(MovieBytesTest, AnInterruptEndsAReadThatWaits) {
  auto opened = InputFile::open("/dev/fd/" + std::to_string(ends_[0]), false, interrupt_);
  ASSERT_TRUE(opened);
  std::thread reader([&opened] {
    std::vector<std::uint8_t> buffer(10);
    const auto size = opened->read(buffer);
    EXPECT_TRUE(size);
    EXPECT_EQ(size.value(), 0u);
  });
  interrupt_.raise();
  reader.join();
  ::close(ends_[1]);
}

TEST_F(MovieBytesTest, ADirectoryAndAnEmptyFileAreRefusedByName) {
  const auto directory = InputFile::open(folder_, false, interrupt_);
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().find(folder_.string()), std::string::npos);
  EXPECT_NE(directory.error().find("directory"), std::string::npos);
  const auto path = folder_ / "empty";
  std::fclose(std::fopen(path.c_str(), "wb"));
  const auto empty = InputFile::open(path, false, interrupt_);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().find("empty"), std::string::npos);
}

}  // namespace
}  // namespace msquic_py::apps
