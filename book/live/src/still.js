/**
 * A photograph from the camera, where a picture is chosen.
 * @module
 */

/**
 * A button beside the pictures: pressed once it shows the camera, pressed again it takes the picture.
 * @param {string} role the element's id
 * @param {(picture: File) => void} take
 * @param {(message: string) => void} say
 * @param {(message: string) => void} complain
 */
export function cameraStill(role, take, say, complain) {
  if (!navigator.mediaDevices) return; // only at https and on this machine
  const button = Object.assign(document.createElement("button"), { type: "button" });
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  button.setAttribute("aria-label", `${role} from the camera`);
  const rest = () => {
    const stream = /** @type {MediaStream | null} */ (video.srcObject);
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    button.replaceChildren("camera");
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      if (video.srcObject) {
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        canvas.getContext("2d")?.drawImage(video, 0, 0);
        rest();
        take(new File([await canvas.convertToBlob()], "camera.png"));
        say("");
      } else {
        video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
        await video.play();
        button.replaceChildren(video);
        say("Press the camera’s picture to take it");
      }
    } catch (error) {
      rest();
      complain(`The camera gives no picture (${/** @type {Error} */ (error).message}).`);
    }
    button.disabled = false;
  });
  rest();
  document.getElementById(role)?.append(button);
}
